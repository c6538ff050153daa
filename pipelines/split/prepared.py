"""What a workflow's decision starts from, whatever it promises: who contends, what each would save, all as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from pipelines.split import portfolio, verdict
from pipelines.split.cases import WorkflowCase
from pipelines.split.standing import Standing
from pipelines.split.traffic import TaskTraffic


@dataclass(frozen=True, slots=True)
class Prepared:
    """What no promise changes: the contenders by task type, the task types' weights, and the options as columns."""

    contenders: dict[str, list[Standing]]
    weights: dict[str, float]
    flat: list[tuple[str, Standing]]  # task type and standing of each option
    options: portfolio.Options | None  # None without a contender that has enough pairs

    def per_task(self) -> Iterator[tuple[int, int]]:
        """Where the options of each task type begin and end."""
        start = 0
        for _, group in groupby(self.flat, key=lambda each: each[0]):
            end = start + sum(1 for _ in group)
            yield start, end
            start = end


def prepare(case: WorkflowCase) -> Prepared:
    """Contenders with what they save, their differences shrunk over the workflow."""
    contenders = {task.task_type: _contenders(case, task) for task in case.tasks}
    total = sum(task.requests for task in case.tasks)
    weights = {task.task_type: task.requests / total for task in case.tasks}
    everyone = [one for t in contenders for one in contenders[t] if one.enough]
    floors = sum(any(one.enough for one in ones) for ones in contenders.values())
    for ones in contenders.values():
        for one in ones:
            one.floors = max(floors, 1)
    _shrink(everyone)
    flat = [(task, one) for task in sorted(contenders) for one in contenders[task] if one.enough]
    return Prepared(contenders, weights, flat, _options(case, weights, flat) if flat else None)


def _contenders(case: WorkflowCase, task: TaskTraffic) -> list[Standing]:
    """Candidates with pairs that may serve and would save, by name; those with enough pairs share the
    error.
    """
    found = []
    for key, one in sorted(case.standings[task.task_type].items()):
        candidate = case.candidates.get(key)
        one.live_saving = task.saved(key, 100)
        one.like_saving = verdict.saved(task, one, 100)
        if candidate is not None:
            one.refused = candidate.blocked or _unplaced(task, key) or _too_slow(one, case.limits.latency_p95_ms)
            if one.refused is None and verdict.saves(one):
                found.append(one)
    count = sum(one.enough for one in found)
    for one in found:
        one.contenders = max(count, 1) * case.looks
    return found


def _unplaced(task: TaskTraffic, key: str) -> str | None:
    return "no rate says what it costs in the region where these requests run" if key in task.unplaced else None


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


def _options(case: WorkflowCase, weights: dict[str, float], flat: list[tuple[str, Standing]]) -> portfolio.Options:
    """Columns over the options, by task type and candidate; which of them are allowed depends on the promise."""
    requests = {task.task_type: task.requests for task in case.tasks}
    index = {task: at for at, task in enumerate(sorted(weights))}
    standings = [one for _, one in flat]
    keys = sorted({one.candidate for one in standings})

    def column(values: Iterable[float]) -> np.ndarray:
        return np.array(list(values), dtype=float)

    return portfolio.Options(
        task=np.array([index[task] for task, _ in flat]),
        candidate=np.array([keys.index(one.candidate) for one in standings]),
        weight=column(weights[task] for task, _ in flat),
        d=column(one.d for one in standings),
        variance=column(one.variance for one in standings),
        third=column(one.third for one in standings),
        covariance=column(one.covariance for one in standings),
        q=column(one.q for one in standings),
        q_variance=column(one.q_variance for one in standings),
        saving=column(worth(case, one, requests[task]) for task, one in flat),
        z=column(one.z for one in standings),
        allowed=np.ones(len(flat), dtype=bool),
        shrunk=column(one.estimate for one in standings),
    )


def worth(case: WorkflowCase, one: Standing, requests: int) -> float:
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
    """Dollars at full share: live where known, else what was spent at the pairs' ratio, else by the pairs' costs."""
    if one.like_saving is not None:
        return float(one.like_saving)
    if one.cost_per_item is None or one.reference_cost_per_item is None:
        return 0.0
    return float((one.reference_cost_per_item - one.cost_per_item) * requests)
