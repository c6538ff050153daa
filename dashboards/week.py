"""The week's figures, from exact sums: like for like, the largest move, drift, dear capability on cheap tasks.

"This week" is the last whole ISO week of the data, "last week" the one before it. Ratios are made here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from dashboards.queries import Rows, per
from pipelines.review.capability import Dear as Dear
from pipelines.review.capability import DearTask as DearTask
from pipelines.review.capability import dear as dear
from pipelines.review.capability import needed_tier as needed_tier
from pipelines.review.weeks import Week as Week
from pipelines.review.weeks import last_whole_week as last_whole_week


@dataclass(frozen=True)
class Effect:
    """One workflow: cost per outcome then and now, and the dollars its change means for last week's outcomes."""

    workflow: str
    unit: str
    outcomes: int
    then_usd: Decimal
    now_usd: Decimal

    @property
    def effect_usd(self) -> Decimal:
        return self.outcomes * (self.now_usd - self.then_usd)


@dataclass(frozen=True)
class LikeForLike:
    """Last week's outcomes at last week's and at this week's cost per outcome, over workflows with outcomes in both."""

    then_usd: Decimal
    now_usd: Decimal
    outcomes: int
    left_out: tuple[str, ...]  #: workflows without an outcome in one of the weeks
    provisional: tuple[str, ...]  #: workflows whose outcomes of this week may still arrive
    effects: tuple[Effect, ...]  #: largest first

    @property
    def change(self) -> Decimal:
        return self.now_usd / self.then_usd - 1


@dataclass(frozen=True)
class Move:
    """A workflow's cost per outcome on the mature days of a week, in the week before, and in the four weeks before."""

    workflow: str
    mature_days: int
    now_usd: Decimal
    week_before_usd: Decimal | None
    earlier_usd: Decimal

    @property
    def change(self) -> Decimal:
        """Against the four weeks before: a slow drift hides from week to week."""
        return self.now_usd / self.earlier_usd - 1

    @property
    def change_on_week(self) -> Decimal | None:
        return self.now_usd / self.week_before_usd - 1 if self.week_before_usd else None


@dataclass(frozen=True)
class Drift:
    """What the detectors say: open alarms, the largest change first, and over how many workflows they watch."""

    alarms: tuple[Mapping[str, Any], ...]
    watched: tuple[Mapping[str, Any], ...]  #: states of the workflows that have a baseline
    waiting: tuple[Mapping[str, Any], ...]  #: states of those that have none yet

    @property
    def rising(self) -> tuple[str, ...]:
        """Workflows with an open alarm about a rise."""
        return tuple(dict.fromkeys(a["workflow"] for a in self.alarms if a["change"] > 0))


def sums(daily: Rows, first: date, last: date) -> dict[str, tuple[Decimal, int]]:
    """Spend and outcomes per workflow of a period, both ends included."""
    found: dict[str, tuple[Decimal, int]] = {}
    for row in daily:
        if first <= row["day"] <= last:
            spend, outcomes = found.get(row["workflow"], (Decimal(0), 0))
            found[row["workflow"]] = (spend + (row["spend_usd"] or 0), outcomes + row["outcomes"])
    return found


def like_for_like(daily: Rows, week: Week) -> LikeForLike | None:
    """Σ last week's outcomes × this week's cost per outcome, against × last week's. None without two weeks to compare."""
    now, then = (sums(daily, w.first, w.last) for w in (week, week.before))
    both = [w for w in then if then[w][1] > 0 and now.get(w, (Decimal(0), 0))[1] > 0]
    spent = sum((then[w][0] for w in both), Decimal(0))
    if not both or spent == 0:
        return None
    today = sum((then[w][1] * now[w][0] / now[w][1] for w in both), Decimal(0))
    pale = {r["workflow"] for r in daily if r["provisional"] and week.first <= r["day"] <= week.last}
    units = {row["workflow"]: row["unit"] for row in daily}
    effects = [Effect(w, units[w], then[w][1], then[w][0] / then[w][1], now[w][0] / now[w][1]) for w in both]
    return LikeForLike(
        spent, today, sum(then[w][1] for w in both), tuple(sorted((set(now) | set(then)) - set(both))), tuple(sorted(pale)),
        tuple(sorted(effects, key=lambda e: (-abs(e.effect_usd), e.workflow))),
    )  # fmt: skip


def moves(daily: Rows, week: Week) -> list[Move]:
    """One per workflow with outcomes on mature days of the week and in the four weeks before, the largest change first."""
    mature = [row for row in daily if not row["provisional"]]
    nothing = (None, None)
    now, before = (sums(mature, w.first, w.last) for w in (week, week.before))
    earlier = sums(mature, week.first - timedelta(days=28), week.before.last)
    found = []
    for workflow in sorted(now):
        cost, then = per(*now[workflow]), per(*earlier.get(workflow, nothing))
        days = {r["day"] for r in mature if r["workflow"] == workflow and week.first <= r["day"] <= week.last}
        if cost is not None and then:
            found.append(Move(workflow, len(days), cost, per(*before.get(workflow, nothing)), then))
    return sorted(found, key=lambda m: (-abs(m.change), m.workflow))


def drift(alarms: Rows, states: Rows) -> Drift:
    """From the open alarms and the states of all workflows."""
    known = [s for s in states if s["minimum_detectable"] is not None]
    return Drift(tuple(alarms), tuple(known), tuple(s for s in states if s["minimum_detectable"] is None))


def trailing_change(own: Rows) -> Decimal | None:
    """One workflow's seven-day cost per outcome on its last mature day, against seven days earlier."""
    mature = {row["day"]: row["cost_7d_usd"] for row in own if not row["provisional"]}
    if not mature:
        return None
    now, then = (mature.get(max(mature) - timedelta(days=n)) for n in (0, 7))
    return now / then - 1 if now is not None and then else None
