"""One workflow: which of its task types switch, to whom and how far, and what it promises as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from pipelines.split import noninferiority, portfolio, verdict
from pipelines.split.cases import WorkflowCase
from pipelines.split.recommendation import Recommendation, WorkflowPromise
from pipelines.split.standing import Standing
from pipelines.split.traffic import TaskTraffic


def decide(case: WorkflowCase) -> tuple[WorkflowPromise, list[Recommendation]]:
    contenders = {task.task_type: _contenders(case, task) for task in case.tasks}
    total = sum(task.requests for task in case.tasks)
    weights = {task.task_type: task.requests / total for task in case.tasks}
    everyone = [one for t in contenders for one in contenders[t] if one.enough]
    floors = sum(any(one.enough for one in ones) for ones in contenders.values())
    for ones in contenders.values():
        for one in ones:
            one.floors = max(floors, 1)
    _shrink(everyone)
    chosen: dict[str, tuple[Standing, int]] = {}
    unserved: set[str] = set()
    z = noninferiority.Z
    if everyone and not case.protected:
        chosen, z = _choose(case, contenders, weights)
        unserved = {task.task_type for task in case.tasks if not case.routable(task.reference)} & set(chosen)
        chosen = {task: choice for task, choice in chosen.items() if task not in unserved}
    made = [
        verdict.recommendation(
            case, task, contenders[task.task_type], chosen.get(task.task_type), task.task_type in unserved
        )
        for task in case.tasks
    ]
    return _promise(case, chosen, contenders, weights, z), made


def at_full_share(case: WorkflowCase) -> WorkflowPromise:
    """If every task type ran on the candidate that saves most there, whatever it loses: the end of the
    curve.
    """
    contenders = {task.task_type: _contenders(case, task) for task in case.tasks}
    total = sum(task.requests for task in case.tasks)
    weights = {task.task_type: task.requests / total for task in case.tasks}
    requests = {task.task_type: task.requests for task in case.tasks}
    most = {
        task: (max(ones, key=lambda one: (_worth(case, one, requests[task]), one.candidate)), 100)
        for task, ones in contenders.items()
        if ones and not case.protected
    }
    return _promise(case, most, contenders, weights, noninferiority.Z)


def _contenders(case: WorkflowCase, task: TaskTraffic) -> list[Standing]:
    """Candidates with pairs that may serve and would save, by name; those with enough pairs share the
    error.
    """
    found = []
    for key, one in sorted(case.standings[task.task_type].items()):
        candidate = case.candidates.get(key)
        one.live_saving = task.saved(key, 100)
        if candidate is not None:
            one.refused = candidate.blocked or _too_slow(one, case.limits.latency_p95_ms)
            if one.refused is None and verdict.saves(one):
                found.append(one)
    count = sum(one.enough for one in found)
    for one in found:
        one.contenders = max(count, 1)
    return found


def _too_slow(one: Standing, limit: int | None) -> str | None:
    if limit is None:
        return None
    if one.latency_p95 is None:
        return f"its p95 latency was not measured on 20 pairs, and the workflow limits it to {limit:,} ms"
    if one.latency_p95 > limit:
        return f"its p95 latency of {one.latency_p95:,.0f} ms is over the workflow's limit of {limit:,} ms"
    return None


def _shrink(everyone: list[Standing]) -> None:
    keys = sorted({one.candidate for one in everyone})
    index = np.array([keys.index(one.candidate) for one in everyone])
    if not everyone:
        return
    shrunk = portfolio.shrink(
        index, np.array([one.d for one in everyone]), np.array([one.variance for one in everyone])
    )
    for one, value in zip(everyone, shrunk, strict=True):
        one.shrunk = float(value)


def _choose(
    case: WorkflowCase, contenders: dict[str, list[Standing]], weights: dict[str, float]
) -> tuple[dict[str, tuple[Standing, int]], float]:
    quality = case.quality
    requests = {task.task_type: task.requests for task in case.tasks}
    flat: list[tuple[int, str, Standing, bool]] = []
    known: list[tuple[float, float, float]] = []
    for index, task in enumerate(sorted(contenders)):
        enough = [one for one in contenders[task] if one.enough]
        if not enough:
            continue
        most = max(enough, key=lambda one: (one.n, one.candidate))
        known.append((most.q, weights[task], most.q_variance))
        admitted = noninferiority.admitted([one.admission_p_value(quality) for one in enough])
        flat += [
            (index, task, one, passed and not one.undecided(quality))
            for one, passed in zip(enough, admitted, strict=True)
        ]
    standings = [one for _, _, one, _ in flat]
    keys = sorted({one.candidate for one in standings})

    def column(values: Iterable[float]) -> np.ndarray:
        return np.array(list(values), dtype=float)

    options = portfolio.Options(
        task=np.array([index for index, _, _, _ in flat]),
        candidate=np.array([keys.index(one.candidate) for one in standings]),
        weight=column(weights[task] for _, task, _, _ in flat),
        d=column(one.d for one in standings),
        variance=column(one.variance for one in standings),
        third=column(one.third for one in standings),
        covariance=column(one.covariance for one in standings),
        q=column(one.q for one in standings),
        q_variance=column(one.q_variance for one in standings),
        saving=column(_worth(case, one, requests[task]) for _, task, one, _ in flat),
        z=column(one.z for one in standings),
        allowed=np.array([allowed for _, _, _, allowed in flat]),
        shrunk=column(one.estimate for one in standings),
    )
    pairs = sum(max(one.n for _, t, one, _ in flat if t == task) for task in {t for _, t, _, _ in flat})
    choices = max(one.contenders for one in standings)
    open_tasks = len({task for _, task, _, allowed in flat if allowed})
    choices *= portfolio.choice_of_tasks(open_tasks)
    z = noninferiority.deciding_z(pairs, max(one.looks for one in standings), choices)
    q, weight, q_variance = (column(part) for part in zip(*known, strict=True))
    percents = portfolio.choose(options, q, weight, q_variance, quality.retention, quality.floor, z)
    chosen = {
        task: (one, int(percent)) for (_, task, one, _), percent in zip(flat, percents, strict=True) if percent > 0
    }
    return chosen, z


def _worth(case: WorkflowCase, one: Standing, requests: int) -> float:
    """What full share is worth, in dollars, to weigh options against each other.

    With the default weights it is the money saved. Weighted latency and quality count as that share of the task
    type's cost today; an option that saves no money is never served, whatever it is worth else.
    """
    weights, saved = case.weights, _saved(one, requests)
    if not weights.latency and not weights.quality:
        return saved
    today = saved / one.saving if one.saving else 0.0
    faster = (one.latency_saving or 0.0) * today
    better = one.estimate / one.q * today if one.q > 0 else 0.0
    return weights.cost * saved + weights.latency * faster + weights.quality * better


def _saved(one: Standing, requests: int) -> float:
    """Dollars at full share: live where known, else by the pairs' costs."""
    if one.live_saving is not None:
        return float(one.live_saving)
    if one.cost_per_item is None or one.reference_cost_per_item is None:
        return 0.0
    return float((one.reference_cost_per_item - one.cost_per_item) * requests)


def _promise(
    case: WorkflowCase,
    chosen: dict[str, tuple[Standing, int]],
    contenders: dict[str, list[Standing]],
    weights: dict[str, float],
    z: float,
) -> WorkflowPromise:
    """Retention over all requests; a task type without marks counts with the others' mean quality,
    unchanged.
    """
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
