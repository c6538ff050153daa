"""One workflow: which of its task types switch, to whom and how far, and what it promises as a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from pipelines.split import noninferiority, portfolio
from pipelines.split.cases import WorkflowCase
from pipelines.split.looks import Look
from pipelines.split.prepared import Prepared, worth
from pipelines.split.recommendation import WorkflowPromise
from pipelines.split.standing import Standing, admission_p_values
from pipelines.split.traffic import TaskTraffic
from pipelines.workspace.work import Quality

Chosen = dict[str, tuple[Standing, int]]  #: task type → whom to serve, whole percent


@dataclass(frozen=True, slots=True)
class Taken:
    """The look that saves most, what it serves, the task types that no gateway serves beside today's model, and the
    bound's z.
    """

    look: Look
    chosen: Chosen
    unserved: set[str]
    z: float

    @property
    def promise(self) -> WorkflowPromise:
        return promise(self.look.case, self.chosen, self.look.prepared, self.z)


def taken(looks: Sequence[Look], quality: Quality | None = None) -> Taken:
    """`quality`: another promise than the workflow's own."""
    found = []
    for look in looks:
        asked = look if quality is None else replace(look, case=replace(look.case, quality=quality))
        found.append(Taken(asked, *_chosen(asked)))
    return max(found, key=lambda one: round(_dollars(one), 9))  # of equals the first: task types as they are


def at_full_share(look: Look) -> WorkflowPromise:
    """If every task type ran on the candidate that saves most there, whatever it loses: the end of the
    curve.
    """
    case, prepared = look.case, look.prepared
    requests = {task.task_type: task.requests for task in case.tasks}
    most = {
        task: (max(ones, key=lambda one: (worth(case, one, requests[task]), one.candidate)), 100)
        for task, ones in prepared.contenders.items()
        if ones and not case.protected
    }
    return promise(case, most, prepared, noninferiority.Z)


def _dollars(one: Taken) -> float:
    requests = {task.task_type: task.requests for task in one.look.case.tasks}
    return sum(
        worth(one.look.case, standing, requests[task]) * percent / 100
        for task, (standing, percent) in sorted(one.chosen.items())
    )


def _chosen(look: Look) -> tuple[Chosen, set[str], float]:
    case, prepared = look.case, look.prepared
    if prepared.options is None or case.protected:
        return {}, set(), noninferiority.Z
    chosen, z = _choose(case, prepared, prepared.options, frozenset())
    if barred := _second_models(look, chosen):
        chosen, z = _choose(case, prepared, prepared.options, barred)
    unserved = {task.task_type for task in case.tasks if not case.routable(task.reference)} & set(chosen)
    return {task: choice for task, choice in chosen.items() if task not in unserved}, unserved, z


def _second_models(look: Look, chosen: Chosen) -> frozenset[tuple[str, str]]:
    """(task type of the look, candidate) to leave out, so that all strata of one task type share one candidate."""
    requests = {task.task_type: task.requests for task in look.case.tasks}
    saved: dict[str, dict[str, float]] = {}
    for name, (one, percent) in sorted(chosen.items()):
        if name in look.parts:
            by_model = saved.setdefault(look.parts[name][0], {})
            dollars = worth(look.case, one, requests[name]) * percent
            by_model[one.candidate] = by_model.get(one.candidate, 0.0) + dollars
    best = {task: max(sorted(models), key=lambda m: models[m]) for task, models in saved.items() if len(models) > 1}
    return frozenset(
        (name, one.candidate)
        for name, one in look.prepared.flat
        if name in look.parts and one.candidate != best.get(look.parts[name][0], one.candidate)
    )


def _choose(
    case: WorkflowCase, prepared: Prepared, options: portfolio.Options, barred: frozenset[tuple[str, str]]
) -> tuple[Chosen, float]:
    quality, flat = case.quality, prepared.flat
    p_values = admission_p_values(options.d, options.variance, options.q, quality)
    admitted: list[bool] = []
    for start, end in prepared.per_task():
        admitted += noninferiority.admitted(p_values[start:end].tolist())
    allowed = np.array(
        [
            passed and not one.undecided(quality) and (task, one.candidate) not in barred
            for passed, (task, one) in zip(admitted, flat, strict=True)
        ]
    )
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


def promise(
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
