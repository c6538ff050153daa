"""Recorded strata of difficulty: how live traffic spreads over them, and what the pairs say of each.

A stratum is known before the call, so a gateway or its client can route by it. Two things follow. Evaluated items
seldom have the mix of live traffic, so where both sides record strata, quality is that of the live mix. And a task
type may be split by stratum (`looks`). Only strata of at least 5 % of a task type's requests are told apart, and no
more than twelve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from pipelines.split.evidence import KEY, MIN_PAIRS, moments
from pipelines.split.standing import Standing, standing
from pipelines.split.traffic import TaskTraffic, task_traffic

LEAST_SHARE = 0.05  # of a task type's requests
MOST_STRATA = 12
RECORDED = 0.95  # of the requests, and of the pairs, must name their stratum before it can weigh them
TaskKey = tuple[str, str]


@dataclass(frozen=True)
class Difficulty:
    """`traffic`: (workflow, task_type, stratum, model_key), "" for all strata that no evaluation names;
    `whatif`: (workflow, task_type, stratum, candidate's model_key).
    """

    traffic: pl.DataFrame
    whatif: pl.DataFrame


def strata_traffic(difficulty: Difficulty | None, tasks: list[TaskTraffic]) -> dict[TaskKey, dict[str, TaskTraffic]]:
    """(workflow, task type) → stratum → its part of the traffic, with the task type's reference."""
    if difficulty is None or difficulty.traffic.is_empty():
        return {}
    found: dict[TaskKey, dict[str, TaskTraffic]] = {}
    known = {(task.workflow, task.task_type): task for task in tasks}
    references = {key: task.reference for key, task in known.items()}
    whatif = dict(difficulty.whatif.partition_by("stratum", as_dict=True))
    empty = difficulty.whatif.clear()
    for (name,), rows in sorted(difficulty.traffic.partition_by("stratum", as_dict=True).items()):
        for part in task_traffic(rows, whatif.get((name,), empty), references):
            key = (part.workflow, part.task_type)
            if key in known:
                found.setdefault(key, {})[str(name)] = replace(part, unplaced=known[key].unplaced)
    return found


def told_apart(task: TaskTraffic, strata: Mapping[str, TaskTraffic]) -> dict[str, TaskTraffic]:
    """The strata that a split may name, by name."""
    named = [part for part in strata.items() if part[0] and part[1].requests >= LEAST_SHARE * task.requests]
    return dict(sorted(sorted(named, key=lambda part: (-part[1].requests, part[0]))[:MOST_STRATA]))


def stratum_rows(joined: pl.DataFrame, pooled: pl.DataFrame) -> dict[tuple[str, str, str], dict[str, dict]]:
    """(workflow, task type, candidate) → stratum → moments, of the signal that the pooled moments are of."""
    mine = joined.filter(pl.col("stratum").is_not_null()).join(
        pooled.select(*KEY, "model_key", "rank"), on=[*KEY, "model_key", "rank"], how="semi"
    )
    found: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in moments(mine, [*KEY, "model_key", "rank", "stratum"]).sort(*KEY, "model_key", "stratum").to_dicts():
        found.setdefault((row["workflow"], row["task_type"], row["model_key"]), {})[row["stratum"]] = row
    return found


def in_the_live_mix(
    row: dict, cells: Mapping[str, dict], task: TaskTraffic | None, strata: Mapping[str, TaskTraffic]
) -> Standing:
    """The pooled standing of one candidate; weighed as the live requests are mixed where both sides record strata.

    Strata whose words are none of the traffic's, or that too few requests or pairs name, weigh nothing.
    """
    live = {name: part.requests for name, part in strata.items()}
    recorded = sum(live.values())
    shared = {name: cell for name, cell in cells.items() if live.get(name)}
    if (
        task is None
        or not shared
        or recorded < RECORDED * task.requests
        or sum(cell["n"] for cell in cells.values()) < RECORDED * row["n"]
    ):
        return standing(row)
    covered = sum(live[name] for name in shared)
    pairs = sum(cell["n"] for cell in shared.values())
    unseen = tuple(
        name or "others"
        for name, n in sorted(live.items())
        if n > LEAST_SHARE * recorded and _too_few(shared[name]["n"] if name in shared else 0, pairs * n / recorded)
    )
    parts = [(cell, live[name] / covered) for name, cell in sorted(shared.items())]
    one = standing(_sum(row, [cell for cell, _ in parts]), parts)
    one.unseen = unseen
    return one


def _too_few(pairs: int, due: float) -> bool:
    """Of a stratum: none, or so few that decide nothing and stand for more than twice as much live traffic."""
    return pairs == 0 or (pairs < MIN_PAIRS and pairs < due / 2)


def _sum(row: dict, cells: list[dict]) -> dict:
    """The moments of quality of these cells alone; costs and latencies stay those of all pairs."""
    names = ("n", "d1", "d2", "d3", "q1", "q2", "dq", "discordant")
    return {**row, **{name: sum(cell[name] for cell in cells) for name in names}}
