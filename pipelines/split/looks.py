"""The ways to cut a workflow's task types: as they are, and by recorded difficulty where that explains quality.

A stratum is treated as a task type inside the task type, with a floor of its own. Two looks at one body of evidence
are two chances to be wrong, so wherever the counts of pairs allow the second look, both are held to half the error.
Whether they allow it says nothing about quality; which task types are cut does:

- the candidate's differences differ between strata by more than chance explains (Cochran's Q against chi², at 5 % over
  all task types and candidates looked at, with the variances of the bounds), or
- live traffic holds strata of which no pair is, so that the task type as a whole can't be judged.

Of the two looks the one that saves more is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from scipy import special

from pipelines.split.cases import WorkflowCase
from pipelines.split.evidence import MIN_PAIRS
from pipelines.split.prepared import Prepared, prepare
from pipelines.split.standing import Standing
from pipelines.split.traffic import TaskTraffic

CHANCE = 0.05  # of cutting some task type by strata that say nothing
_INSIDE = "\x1f"  # between a task type and its stratum; no name holds it


@dataclass(frozen=True, slots=True)
class Look:
    """`parts`: name in `case` → (task type, stratum), of the task types that are cut; "" for the rest of one."""

    case: WorkflowCase
    prepared: Prepared
    parts: Mapping[str, tuple[str, str]]


def looks(case: WorkflowCase) -> tuple[Look, ...]:
    """The task types as they are, and after them the cut ones, if there are any."""
    halves = _could_be_cut(case)
    if not halves:
        return (Look(case, prepare(case), {}),)
    case = replace(case, looks=2)
    explained = _explained(case, halves)
    whole = Look(case, prepare(_own(case)), {})
    return (whole, _cut(case, explained)) if explained else (whole,)


def _could_be_cut(case: WorkflowCase) -> list[tuple[TaskTraffic, str, dict[str, Standing]]]:
    """(task type, candidate, its strata with enough pairs), told from counts alone."""
    found = []
    for task in case.tasks:
        live = case.strata.get(task.task_type, {})
        for key, pooled in sorted(case.standings[task.task_type].items()):
            candidate = case.candidates.get(key)
            if candidate is None or candidate.blocked or not live:
                continue
            cells = {s: ones[key] for s, ones in case.by_stratum[task.task_type].items() if s in live and key in ones}
            enough = {stratum: one for stratum, one in cells.items() if one.n >= MIN_PAIRS}
            if len(enough) >= 2 or (enough and pooled.unseen):
                found.append((task, key, enough))
    return found


def _explained(case: WorkflowCase, halves: list[tuple[TaskTraffic, str, dict[str, Standing]]]) -> list[TaskTraffic]:
    level = CHANCE / len(halves)
    names = {
        task.task_type
        for task, key, cells in halves
        if case.standings[task.task_type][key].unseen or heterogeneity(cells) < level
    }
    return [task for task in case.tasks if task.task_type in names]


def heterogeneity(cells: Mapping[str, Standing]) -> float:
    """p-value of Cochran's Q: that the differences of all strata are one."""
    ones = [cells[stratum] for stratum in sorted(cells)]
    if len(ones) < 2:
        return 1.0
    total = sum(1 / one.variance for one in ones)
    mean = sum(one.d / one.variance for one in ones) / total
    return float(special.chdtrc(len(ones) - 1, sum((one.d - mean) ** 2 / one.variance for one in ones)))


def _own(case: WorkflowCase) -> WorkflowCase:
    """With standings of its own: what a look finds out about one is written onto it."""
    standings = {task: {key: replace(one) for key, one in ones.items()} for task, ones in case.standings.items()}
    return replace(case, standings=standings)


def _cut(case: WorkflowCase, explained: list[TaskTraffic]) -> Look:
    case = _own(case)
    tasks: list[TaskTraffic] = [task for task in case.tasks if task not in explained]
    standings = {task.task_type: case.standings[task.task_type] for task in tasks}
    parts: dict[str, tuple[str, str]] = {}
    for task in explained:
        strata = case.strata[task.task_type]
        inside = {f"{task.task_type}{_INSIDE}{stratum}": (stratum, part) for stratum, part in strata.items()}
        for name, (stratum, part) in inside.items():
            tasks.append(replace(part, task_type=name))
            ones = case.by_stratum[task.task_type].get(stratum, {})
            standings[name] = {key: replace(one) for key, one in ones.items()}
            parts[name] = (task.task_type, stratum)
        rest = _rest(task, [part for _, part in inside.values()])
        if rest is not None:
            tasks.append(rest)
            standings[rest.task_type] = {}
            parts[rest.task_type] = (task.task_type, "")
    tasks.sort(key=lambda task: task.task_type)
    cut = replace(case, tasks=tasks, standings=standings)
    return Look(cut, prepare(cut), parts)


def _rest(task: TaskTraffic, parts: list[TaskTraffic]) -> TaskTraffic | None:
    """Requests of no stratum that a split may name; they stay with the reference."""
    requests = task.requests - sum(part.requests for part in parts)
    if requests <= 0:
        return None
    spend = None
    if task.spend is not None and all(part.spend is not None for part in parts):
        spend = task.spend - sum((part.spend or Decimal(0) for part in parts), Decimal(0))
    return replace(task, task_type=f"{task.task_type}{_INSIDE}", requests=requests, spend=spend, on_model={})
