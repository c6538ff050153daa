"""A workflow's recommendations: one a task type, by recorded difficulty where the look that was taken cuts it so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from pipelines.split import reasons, verdict
from pipelines.split.cases import WorkflowCase
from pipelines.split.looks import Look, looks
from pipelines.split.prepared import Prepared
from pipelines.split.recommendation import Experiment, Recommendation, StratumAdvice, WorkflowPromise
from pipelines.split.traffic import TaskTraffic
from pipelines.split.workflow import Taken, promise, taken


def decide(case: WorkflowCase) -> tuple[WorkflowPromise, list[Recommendation]]:
    ways = looks(case)
    took = taken(ways)
    return took.promise, [_of_task(task, ways[0], took) for task in case.tasks]


def _of_task(task: TaskTraffic, whole: Look, took: Taken) -> Recommendation:
    inside = {name: stratum for name, (outer, stratum) in took.look.parts.items() if outer == task.task_type}
    if any(name in took.chosen for name in inside):
        return _by_stratum(task, whole, took, inside)
    # what is cut and stays with the reference in all its strata is described as a whole
    look = whole if inside else took.look
    unserved = task.task_type in took.unserved or any(name in took.unserved for name in inside)
    return verdict.recommendation(
        look.case, task, look.prepared.contenders[task.task_type], took.chosen.get(task.task_type), unserved
    )


def _by_stratum(task: TaskTraffic, whole: Look, took: Taken, inside: dict[str, str]) -> Recommendation:
    case, prepared = took.look.case, took.look.prepared
    parts = {part.task_type: part for part in case.tasks if part.task_type in inside}
    chosen = {name: took.chosen[name] for name in parts if name in took.chosen}
    one = next(iter(chosen.values()))[0]
    advice = {
        name: verdict.recommendation(case, parts[name], prepared.contenders[name], chosen.get(name))
        for name, stratum in sorted(inside.items())
        if stratum
    }
    total = sum(part.requests for part in parts.values())
    mine = Prepared(
        {name: prepared.contenders[name] for name in parts},
        {name: part.requests / total for name, part in parts.items()},
        [],
        None,
    )
    kept = promise(replace(case, tasks=list(parts.values())), chosen, mine, max(each.z for each, _ in chosen.values()))
    percent = max(sum(parts[name].requests * share for name, (_, share) in chosen.items()) // total, 1)
    pooled = whole.case.standings[task.task_type][one.candidate]
    saved = [parts[name].month(verdict.saved(parts[name], each, share)) for name, (each, share) in chosen.items()]
    strata = tuple(
        StratumAdvice(
            stratum=inside[name],
            requests_share=round(parts[name].requests / total, 6),
            decision=each.decision,
            routes=each.routes,
            items=each.items,
            quality_reference=each.quality_reference,
            retention=each.retention,
            retention_low=each.retention_low,
            retention_high=each.retention_high,
            saving_share=each.saving_share,
            saving_low=each.saving_low,
            saving_high=each.saving_high,
            saving_usd_month=each.saving_usd_month,
            experiment=each.experiment,
            reason=each.reason,
        )
        for name, each in advice.items()
    )
    routes = [(one.candidate, percent), (task.reference, 100 - percent)]
    return Recommendation(
        workflow=case.workflow,
        task_type=task.task_type,
        decision="switch",
        grade="A",
        reference_model=case.called(task.reference),
        reference_key=task.reference,
        candidate=one.candidate,
        routes=tuple(case.route(key, part) for key, part in routes if part > 0),
        items=pooled.n,
        quality_reference=round(pooled.q, 6),
        retention=kept.retention,
        retention_low=kept.retention_low,
        retention_high=kept.retention_high,
        saving_share=kept.saving_share,
        saving_low=kept.saving_low,
        saving_high=kept.saving_high,
        saving_loaded=None if pooled.loaded_saving is None else round(pooled.loaded_saving, 6),
        saving_usd_month=None if None in saved else sum((each for each in saved if each is not None), Decimal(0)),
        experiment=_together([each.experiment for each in strata if each.experiment]),
        reason=reasons.by_stratum(strata, case.called(one.candidate), case.called(task.reference), kept.retention_low),
        strata=strata,
    )


def _together(asked: Sequence[Experiment]) -> Experiment | None:
    """All strata's experiments, run side by side."""
    if not asked:
        return None
    costs = [one.cost_usd for one in asked]
    days = [one.days for one in asked]
    payback = [one.payback_days for one in asked]
    return Experiment(
        pairs=sum(one.pairs for one in asked),
        days=None if None in days else max(day for day in days if day is not None),
        cost_usd=None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0)),
        payback_days=None if None in payback else max(math.ceil(days) for days in payback if days is not None),
    )
