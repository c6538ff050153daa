"""The recommendation of one task type: decision, what to serve now, and whom the figures describe."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.split import experiment, reasons, unpaired
from pipelines.split.experiment import Plan
from pipelines.split.recommendation import Decision, Experiment, Recommendation
from pipelines.split.standing import Standing
from pipelines.split.traffic import TaskTraffic

if TYPE_CHECKING:
    from pipelines.split.cases import WorkflowCase


def saves(one: Standing) -> bool:
    """Cheaper on the pairs, with failed items answered again, and on live traffic, as far as each is known; at least
    one must be.
    """
    known = [amount for amount in (one.saving, one.loaded_saving, one.live_saving) if amount is not None]
    return bool(known) and all(amount > 0 for amount in known)


def saved(task: TaskTraffic, one: Standing, percent: int) -> Decimal | None:
    """Dollars of the traffic's days: at its own tokens where rates price the candidate, else at the pairs' costs."""
    live = task.saved(one.candidate, percent)
    if live is None and one.candidate not in {*task.on_model, *task.unplaced}:
        return task.saved_like(one.cost_per_item, one.reference_cost_per_item, percent)
    return live


def recommendation(
    case: WorkflowCase,
    task: TaskTraffic,
    contenders: list[Standing],
    chosen: tuple[Standing, int] | None,
    unserved: bool = False,
) -> Recommendation:
    """`contenders`: candidates with pairs that may serve and would save. `chosen`: whom to serve, whole
    percent. `unserved`: the evidence would switch, but no gateway serves today's model beside it.
    """
    reference = case.called(task.reference)
    seen = case.standings[task.task_type]
    listed = [one for key, one in seen.items() if key in case.candidates]
    best = _best(case, contenders or listed)
    if case.protected:
        reason = f"{case.workflow} is protected: its models are never changed."
        return made(case, task, "keep", best, reason) if best else unpaired.keep(case, task, reason)
    if chosen is not None:
        return _switch(case, task, *chosen)
    short = [one for one in contenders if one.undecided(case.quality)]
    if short:
        one = max(short, key=lambda s: (s.n, s.full_share_bound(case.quality), s.candidate))
        plan = _plan(case, task, one)
        reason = reasons.short_of_evidence(one, case.called(one.candidate), reference, plan)
        return made(case, task, "experiment", one, reason, _asked(task, one, plan))
    if unserved and best:
        reason = f"not routable: no gateway serves {reference}, and a switch starts beside it, so {reference} stays."
        return made(case, task, "keep", best, reason)
    if contenders and best:
        reason = reasons.promise_spent(best, case.called(best.candidate), reference, case.quality)
        return made(case, task, "keep", best, reason)
    refused = any(one.refused for one in listed)
    if best and (refused or unpaired.first_to_try(case, task) is None):
        return made(case, task, "keep", best, _why_not(case, best, reference))
    return unpaired.recommendation(case, task)


def made(
    case: WorkflowCase,
    task: TaskTraffic,
    decision: Decision,
    one: Standing,
    reason: str,
    asked: Experiment | None = None,
    percent: int = 0,
) -> Recommendation:
    """With pairs (grade A). At 0 % the reference serves all, and the figures describe the candidate at
    full share.
    """
    share = percent / 100 if percent else 1.0
    retention, low, high = (_rounded(value) for value in one.retention(share))
    saving, saving_low, saving_high = (_rounded(value) for value in one.savings(share))
    routes = [(one.candidate, percent), (task.reference, 100 - percent)]
    return Recommendation(
        workflow=case.workflow,
        task_type=task.task_type,
        decision=decision,
        grade="A",
        reference_model=case.called(task.reference),
        reference_key=task.reference,
        candidate=one.candidate,
        routes=tuple(case.route(key, part) for key, part in routes if part > 0),
        items=one.n,
        quality_reference=_rounded(one.q),
        retention=retention,
        retention_low=low,
        retention_high=high,
        saving_share=saving,
        saving_low=saving_low,
        saving_high=saving_high,
        saving_loaded=_rounded(one.loaded_saving),
        saving_usd_month=task.month(saved(task, one, percent or 100)),
        experiment=asked,
        reason=reason,
    )


def _switch(case: WorkflowCase, task: TaskTraffic, one: Standing, percent: int) -> Recommendation:
    beside = None
    if percent < 100 and one.estimate + one.margin(case.quality) > 0:
        beside = _asked(task, one, _plan(case, task, one))  # more pairs could settle the rest
    names = case.called(one.candidate), case.called(task.reference)
    reason = reasons.switch(one, *names, percent / 100, case.quality)
    return made(case, task, "switch", one, reason, beside, percent)


def _best(case: WorkflowCase, standings: list[Standing]) -> Standing | None:
    """Whom the figures describe where nothing is served: the one most surely good enough."""
    return max(
        standings,
        key=lambda one: (one.full_share_bound(case.quality), one.saving or 0.0, one.candidate),
        default=None,
    )


def _why_not(case: WorkflowCase, one: Standing, reference: str) -> str:
    name = case.called(one.candidate)
    if one.refused is not None:
        return f"{name}: {one.refused}, so {reference} stays."
    if one.saving is None and one.live_saving is None:
        return f"What {name} costs is not known, so {reference} stays; a rate or the marks' own cost would tell."
    return reasons.not_cheaper(one, name, reference)


def _plan(case: WorkflowCase, task: TaskTraffic, one: Standing) -> Plan:
    margin = one.margin(case.quality)
    return experiment.plan(margin, one.discordant, one.n, task.daily_requests, one.cost_per_item, one.contenders)


def _asked(task: TaskTraffic, one: Standing, plan: Plan) -> Experiment:
    return Experiment.of(plan, saved_month=task.month(saved(task, one, 100)))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
