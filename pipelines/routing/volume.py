"""How long each step of a rollout takes at present volume, told from the calls that a unit makes.

A step needs a number of outcomes that the canary alone worked on. A unit of k calls is the canary's alone with
probability p^k when a gateway draws requests, and p when the client draws units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.outcomes.period import PERIOD_DAYS
from pipelines.routing.policy import Route
from pipelines.storage.published import current
from pipelines.workspace.errors import NothingPublished

STEPS = (5, 20, 50, 100)  #: percent of a route's requests or units, never past the approved share
STEP_OUTCOMES = 30  #: settled units that the canary alone worked on, before a share grows
SINGLE_CALLS = 0.05  #: retries aside, a task of one call a unit needs no drawing of units
STEP_DAYS = 7  #: full days at a share, so that each weekday was seen once


@dataclass(frozen=True)
class Volume:
    """One task type's units of a period: calls per unit -> how many units, of those that are settled by now."""

    days: int
    units: Mapping[int, int]

    @property
    def total(self) -> int:
        return sum(self.units.values())

    @property
    def calls_per_unit(self) -> float:
        return sum(calls * units for calls, units in self.units.items()) / self.total if self.total else 0.0

    @property
    def several_calls(self) -> bool:
        """Whether drawing requests would mix tiers within units often enough to matter."""
        return sum(units for calls, units in self.units.items() if calls > 1) > self.total * SINGLE_CALLS

    @property
    def units_per_week(self) -> float:
        return 7 * self.total / self.days

    def pure(self, percent: int, split: str) -> float:
        """Units of the period that a canary of that share would serve alone."""
        share = percent / 100
        return sum(units * (share if split == "unit" else share**calls) for calls, units in self.units.items())

    def weeks(self, percent: int, split: str) -> float | None:
        """Until a step has its outcomes and days; None if no unit ever comes."""
        pure = self.pure(percent, split)
        return max(STEP_DAYS, STEP_OUTCOMES * self.days / pure) / 7 if pure > 0 else None


def steps_below(approved: int) -> tuple[int, ...]:
    """The shares at which a rollout waits before it stands at the approved one."""
    return tuple(step for step in STEPS if step < approved)


def volumes(root: Path, by_stratum: Collection[str] = ()) -> dict[str, Volume]:
    """Route key -> volume, from the published set; empty where nothing is published that tells.

    `by_stratum`: keys of routes that strata have of their own. Each has its volume, and the task's route that of the
    other strata. A unit with calls in two of those counts in both.
    """
    try:
        published = current(root)
    except NothingPublished:
        return {}
    meta = published.meta
    if not meta.get("as_of") or not meta.get("first_day"):
        return {}
    days = min(PERIOD_DAYS, (date.fromisoformat(meta["as_of"]) - date.fromisoformat(meta["first_day"])).days + 1)
    with published.connect() as con:
        try:
            rows = con.execute("select workflow, task_type, stratum, calls, settled from unit_calls").fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):  # a set from before this was published
            return {}
    cut = {key.rpartition("/")[0] for key in by_stratum}
    found: dict[str, Counter[int]] = {}
    for workflow, task_type, stratum, calls, settled in rows:
        task = f"{workflow}/{task_type}"
        key = f"{task}/{stratum}" if f"{task}/{stratum}" in by_stratum else task
        if settled and (stratum is None) is (task not in cut):
            found.setdefault(key, Counter())[calls] += settled
    return {key: Volume(max(days, 1), dict(units)) for key, units in found.items()}


def forecast(route: Route, volume: Volume) -> dict[str, Any]:
    """What `route plan` says of one route with a canary."""
    approved = route.canary.approved if route.canary else 0
    return {
        "route": route.key,
        "split": route.split,
        "several_calls": volume.several_calls,
        "calls_per_unit": round(volume.calls_per_unit, 2),
        "units_per_week": round(volume.units_per_week, 1),
        "steps": [
            {
                "percent": step,
                "weeks": _round(volume.weeks(step, route.split)),
                "weeks_by_request": _round(volume.weeks(step, "request")),
                "weeks_by_unit": _round(volume.weeks(step, "unit")),
            }
            for step in steps_below(approved)
        ],
    }


def _round(weeks: float | None) -> float | None:
    return None if weeks is None else round(weeks, 1)
