"""One workflow: which of its task types switch, to whom and how far, and what it promises as a whole."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np

from pipelines.split import noninferiority, portfolio, verdict
from pipelines.split.cases import WorkflowCase
from pipelines.split.prepared import Prepared, prepare, worth
from pipelines.split.recommendation import Recommendation, WorkflowPromise
from pipelines.split.standing import Standing, admission_p_values
from pipelines.split.traffic import TaskTraffic


def decide(case: WorkflowCase, prepared: Prepared | None = None) -> tuple[WorkflowPromise, list[Recommendation]]:
    prepared = prepared or prepare(case)
    chosen, unserved, z = _chosen(case, prepared)
    made = [
        verdict.recommendation(
            case, task, prepared.contenders[task.task_type], chosen.get(task.task_type), task.task_type in unserved
        )
        for task in case.tasks
    ]
    return _promise(case, chosen, prepared, z), made


def promised(case: WorkflowCase, prepared: Prepared) -> WorkflowPromise:
    """What `decide` promises, without a word on the single task types."""
    chosen, _, z = _chosen(case, prepared)
    return _promise(case, chosen, prepared, z)


def at_full_share(case: WorkflowCase, prepared: Prepared) -> WorkflowPromise:
    """If every task type ran on the candidate that saves most there, whatever it loses: the end of the
    curve.
    """
    requests = {task.task_type: task.requests for task in case.tasks}
    most = {
        task: (max(ones, key=lambda one: (worth(case, one, requests[task]), one.candidate)), 100)
        for task, ones in prepared.contenders.items()
        if ones and not case.protected
    }
    return _promise(case, most, prepared, noninferiority.Z)


def _chosen(case: WorkflowCase, prepared: Prepared) -> tuple[dict[str, tuple[Standing, int]], set[str], float]:
    """Whom to serve and how far, the task types that no gateway serves beside today's model, and the bound's z."""
    if prepared.options is None or case.protected:
        return {}, set(), noninferiority.Z
    chosen, z = _choose(case, prepared, prepared.options)
    unserved = {task.task_type for task in case.tasks if not case.routable(task.reference)} & set(chosen)
    return {task: choice for task, choice in chosen.items() if task not in unserved}, unserved, z


def _choose(
    case: WorkflowCase, prepared: Prepared, options: portfolio.Options
) -> tuple[dict[str, tuple[Standing, int]], float]:
    quality, flat = case.quality, prepared.flat
    p_values = admission_p_values(options.d, options.variance, options.q, quality)
    admitted: list[bool] = []
    for start, end in prepared.per_task():
        admitted += noninferiority.admitted(p_values[start:end].tolist())
    allowed = np.array([passed and not one.undecided(quality) for passed, (_, one) in zip(admitted, flat, strict=True)])
    known, pairs = [], 0
    for start, end in prepared.per_task():
        most = max((one for _, one in flat[start:end]), key=lambda one: (one.n, one.candidate))
        known.append((most.q, float(options.weight[start]), most.q_variance))
        pairs += max(one.n for _, one in flat[start:end])
    choices = max(one.contenders for _, one in flat)
    choices *= portfolio.choice_of_tasks(len(set(options.task[allowed].tolist())))
    z = noninferiority.deciding_z(pairs, max(one.looks for _, one in flat), choices)
    q, weight, q_variance = (np.array(part, dtype=float) for part in zip(*known, strict=True))
    percents = portfolio.choose(
        replace(options, allowed=allowed), q, weight, q_variance, quality.retention, quality.floor, z
    )
    return {task: (one, int(percent)) for (task, one), percent in zip(flat, percents, strict=True) if percent > 0}, z


def _promise(
    case: WorkflowCase,
    chosen: dict[str, tuple[Standing, int]],
    prepared: Prepared,
    z: float,
) -> WorkflowPromise:
    """Retention over all requests; a task type without marks counts with the others' mean quality,
    unchanged.
    """
    contenders, weights = prepared.contenders, prepared.weights
    known = {task: max(ones, key=lambda one: (one.n, one.candidate)) for task, ones in contenders.items() if ones}
    retention, low, high = 1.0, 1.0, 1.0
    quality = sum(weights[task] * one.q for task, one in sorted(known.items()))
    if chosen and quality > 0:
        parts = [(weights[task], percent / 100, one) for task, (one, percent) in sorted(chosen.items())]
        change = sum(w * s * one.estimate for w, s, one in parts)
        most, least = noninferiority.loss_bounds(
            change,
            quality,
            sum((w * s) ** 2 * one.variance for w, s, one in parts),
            sum(weights[task] ** 2 * one.q_variance for task, one in sorted(known.items())),
            sum(w * w * s * one.covariance for w, s, one in parts),
            sum((w * s) ** 3 * one.third for w, s, one in parts),
            z,
        )
        covered = sum(weights[task] for task in sorted(known))
        retention, low, high = (
            1 + covered * change / quality,
            max(1 - covered * most, 0.0),
            1 - covered * least,
        )
    saving, saving_low, saving_high = _saving(case, chosen)
    return WorkflowPromise(
        workflow=case.workflow,
        retention=round(retention, 6),
        retention_low=round(low, 6),
        retention_high=round(high, 6),
        saving_share=round(saving, 6),
        saving_low=round(saving_low, 6),
        saving_high=round(saving_high, 6),
    )


def _saving(case: WorkflowCase, chosen: dict[str, tuple[Standing, int]]) -> tuple[float, float, float]:
    """Share of the workflow's spend, from the pairs' saving of each switch weighted by the task types'
    spend.
    """
    spend = {task.task_type: _spend(case, task) for task in case.tasks}
    total = sum(spend.values(), Decimal(0))
    if not total:
        return 0.0, 0.0, 0.0
    saving = square = 0.0
    for task, (one, percent) in sorted(chosen.items()):
        part = float(spend[task] / total) * percent / 100
        saving += part * (one.saving or 0.0)
        square += (part * one.saving_se) ** 2
    width = noninferiority.Z * math.sqrt(square)
    return saving, saving - width, min(saving + width, 1.0)


def _spend(case: WorkflowCase, task: TaskTraffic) -> Decimal:
    if task.spend is not None:
        return task.spend
    costs = [one.reference_cost_per_item for one in case.standings[task.task_type].values()]
    known = [cost for cost in costs if cost is not None]
    return max(known) * task.requests if known else Decimal(0)
