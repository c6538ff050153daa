"""How the week stands: everything that This week tells, read once and put together from exact sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dashboards import history, queries, shell
from dashboards.queries import Rows
from dashboards.week import Dear, Drift, LikeForLike, Move, Week, dear, drift, last_whole_week, like_for_like, moves
from pipelines.outcomes.ratios import rounded
from pipelines.rollout.holding import Kept, holding
from pipelines.storage.published import Published
from pipelines.workspace.model import Workspace

EARLIER_DAYS = 28  #: before the week: what a slow drift is compared with


@dataclass(frozen=True)
class Standing:
    """One whole week, and what leads up to it."""

    week: Week
    config: Workspace
    daily: Rows
    same: LikeForLike | None
    index: Mapping[str, Any] | None  #: the mart's like-for-like row of the week
    moved: list[Move]
    drifts: Drift
    off: Dear
    ranked: Rows
    kept: tuple[Kept, ...]  #: routes that a policy governed in the seven days to as-of

    @property
    def bottom(self) -> Mapping[str, Any] | None:
        """The last of the ranking; None where there is nothing to rank it against."""
        return self.ranked[-1] if len(self.ranked) > 1 else None

    @property
    def governed(self) -> int:
        return sum(one.requests for one in self.kept)

    @property
    def held(self) -> Decimal | None:
        """The share of governed requests that ran where the policy says; None without any."""
        off = sum((one.off for one in self.kept), Fraction(0))
        return rounded(1 - off / self.governed) if self.governed else None

    @property
    def leak_usd(self) -> Decimal | None:
        """None where some day's isn't known."""
        leaks = [one.leak_usd for one in self.kept]
        return None if None in leaks else sum((x for x in leaks if x is not None), Decimal(0))

    def unit_of(self, workflow: str) -> str:
        return next((row["unit"] for row in self.daily if row["workflow"] == workflow), "unit")


def standing(p: Published) -> Standing:
    """Of the last whole ISO week of the data."""
    as_of = shell.as_of(p)
    week = last_whole_week(as_of)
    daily = queries.recent(p, week.first - timedelta(days=EARLIER_DAYS))
    config = queries.workspace().config
    return Standing(
        week, config, daily,
        like_for_like(daily, week),
        history.weekly(p, f"{week.first:%G-W%V}"),
        moves(daily, week),
        drift(queries.open_alarms(p), queries.watched(p)),
        dear(queries.task_spend(p, week.first, week.last), config),
        [row for row in queries.ranking(p) if row["rank"] is not None],
        tuple(holding(history.adherence(p, as_of - timedelta(days=6), as_of))),
    )  # fmt: skip
