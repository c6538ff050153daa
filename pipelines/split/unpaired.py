"""Task types in which no item was answered by both models: a canary (grade B), an experiment, or nothing
to try.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from pipelines.split import experiment, live, reasons
from pipelines.split.candidates import Candidate
from pipelines.split.live import Stratified
from pipelines.split.recommendation import Decision, Experiment, Grade, Recommendation
from pipelines.split.traffic import TaskTraffic

if TYPE_CHECKING:
    from pipelines.split.cases import WorkflowCase


def recommendation(case: WorkflowCase, task: TaskTraffic) -> Recommendation:
    """Live strata that overlap may ask for a canary; else pairs of the model that would save most are
    asked for.
    """
    strata = [
        (case.live[task.task_type, candidate.key], candidate)
        for candidate in _unevaluated(case, task)
        if (task.task_type, candidate.key) in case.live and _may_save(case, task, candidate)
    ]
    if strata:
        return _from_strata(case, task, *max(strata, key=lambda pair: (pair[0].lower, pair[1].key)))
    candidate = first_to_try(case, task)
    reference = case.called(task.reference)
    if candidate is None:
        refused = sorted({c.blocked for c in case.candidates.values() if c.blocked and c.key != task.reference})
        why = f" ({'; '.join(refused)})" if refused and not _unevaluated(case, task) else ""
        return keep(case, task, f"No cheaper model of the tiers may serve this task type{why}, so {reference} stays.")
    plan = _plan(case, task, candidate, experiment.UNKNOWN_QUALITY)
    name = case.called(candidate.key)
    why = f"No item was answered by both {name} and {reference}."
    if task.task_type in case.only_judged:
        why = f"The marks of {name} and {reference} are a judge's that no labels have calibrated."
    reason = f"{why} {reasons.ask(plan)}"
    return _made(case, task, "experiment", "C", reason, _asked(task, candidate, plan), candidate.key)


def keep(case: WorkflowCase, task: TaskTraffic, reason: str) -> Recommendation:
    return _made(case, task, "keep", "C", reason, None, None)


def first_to_try(case: WorkflowCase, task: TaskTraffic) -> Candidate | None:
    """Of the models without pairs what saves most, not below the tier that the declared capability needs."""
    capability = case.config.workflows[case.workflow].tasks.get(task.task_type)
    tier = case.config.capabilities.get(capability) if capability else None
    least = next((t.rank for t in case.config.tiers if t.name == tier), None)
    cheaper = [c for c in _unevaluated(case, task) if _may_save(case, task, c)]
    fitting = [c for c in cheaper if least is None or c.rank >= least]

    def worth(candidate: Candidate) -> tuple[bool, Decimal, int, str]:
        saved = task.saved(candidate.key, 100)
        return saved is not None, saved or Decimal(0), -candidate.rank, candidate.key

    return max(fitting or cheaper, key=worth, default=None)


def _from_strata(case: WorkflowCase, task: TaskTraffic, seen: Stratified, candidate: Candidate) -> Recommendation:
    names = case.called(candidate.key), case.called(task.reference)
    plan = _plan(case, task, candidate, seen.quality_reference)
    good = seen.lower >= -(1 - case.quality.floor) * seen.quality_reference
    if good:
        reason = reasons.canary(*names, seen.marks, seen.difference, plan)
    else:
        reason = (
            f"Live traffic of like difficulty ({seen.marks} marks of {names[0]}) does not show that quality"
            f" holds against {names[1]}. {reasons.ask(plan)}"
        )
    asked = _asked(task, candidate, plan, live.CANARY_SHARE if good else None)
    return _made(case, task, "experiment", "B", reason, asked, candidate.key, seen.marks)


def _unevaluated(case: WorkflowCase, task: TaskTraffic) -> list[Candidate]:
    seen = {task.reference, *case.standings[task.task_type]}
    return [c for c in case.candidates.values() if c.blocked is None and c.key not in seen]


def _may_save(case: WorkflowCase, task: TaskTraffic, candidate: Candidate) -> bool:
    """Cheaper on live traffic; where that isn't known, of a lower tier than the reference."""
    if candidate.key in task.unplaced:
        return False
    saved = task.saved(candidate.key, 100)
    if saved is not None:
        return saved > 0
    now = case.candidates.get(task.reference)
    return now is not None and candidate.rank < now.rank


def _plan(case: WorkflowCase, task: TaskTraffic, candidate: Candidate, quality: float) -> experiment.Plan:
    margin = (1 - max(case.quality.retention, case.quality.floor)) * quality
    spend = task.on_model.get(candidate.key)
    cost = None if spend is None else (spend / task.requests).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
    return experiment.plan(margin, 0, 0, task.daily_requests, cost)


def _asked(task: TaskTraffic, candidate: Candidate, plan: experiment.Plan, canary: float | None = None) -> Experiment:
    return Experiment.of(plan, canary, task.month(task.saved(candidate.key, 100)))


def _made(
    case: WorkflowCase,
    task: TaskTraffic,
    decision: Decision,
    grade: Grade,
    reason: str,
    asked: Experiment | None,
    candidate: str | None,
    items: int = 0,
) -> Recommendation:
    """The reference serves all, and nothing is claimed about quality or saving."""
    return Recommendation(
        workflow=case.workflow,
        task_type=task.task_type,
        decision=decision,
        grade=grade,
        reference_model=case.called(task.reference),
        reference_key=task.reference,
        candidate=candidate,
        routes=(case.route(task.reference, 100),),
        items=items,
        experiment=asked,
        reason=reason,
    )
