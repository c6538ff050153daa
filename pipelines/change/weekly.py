"""Week by week: what an outcome cost, all workflows blended, and like for like.

The blended figure (all spend ÷ all outcomes) moves when workflows merely deliver in other proportions. The like-for-like
figure holds last week's outcome mix (a Laspeyres index): over the workflows with a cost per outcome in both weeks,

    like_for_like_usd  = Σ outcomes last week × cost per outcome this week ÷ Σ outcomes last week
    like_for_like_before_usd = the same with last week's cost per outcome
    index              = like_for_like_usd ÷ like_for_like_before_usd

exact fractions, rounded half-even to 12 places where they are shown. A workflow without a cost per outcome in one of
the weeks (nothing delivered, nothing reported, nothing priced, or not there) can't be compared and is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import polars as pl

from pipelines.change.bridge import ALL, blended
from pipelines.change.bridge_weeks import PICO, Week
from pipelines.outcomes.ratios import rounded
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded

MONEY = pl.Decimal(38, 12)
WEEK = timedelta(days=7)
SCHEMA: dict[str, Any] = {
    "week": pl.String(), "workflow": pl.String(), "unit": pl.String(), "outcomes": pl.Int64(), "spend_usd": MONEY,
    "cost_per_outcome_usd": MONEY, "before_usd": MONEY, "like_for_like_usd": MONEY, "like_for_like_before_usd": MONEY,
    "index": MONEY, "left_out": pl.String(), "provisional": pl.Boolean(), "first_day": pl.Date(),
}  # fmt: skip


@dataclass(frozen=True)
class LikeForLike:
    """This week's and last week's cost of last week's outcomes, per outcome; None where no workflow can be compared."""

    now: Fraction | None
    before: Fraction | None
    left_out: tuple[str, ...]

    @property
    def index(self) -> Fraction | None:
        return self.now / self.before if self.now is not None and self.before else None


def like_for_like(before: Mapping[str, Week], now: Mapping[str, Week]) -> LikeForLike:
    """The index of `now` against `before`, both by workflow, at the outcome mix of `before`."""
    costs = {name: (_cost(before, name), _cost(now, name)) for name in sorted({*before, *now})}
    weights = {name: before[name].outcomes for name, (old, new) in costs.items() if None not in (old, new)}
    left_out = tuple(name for name in costs if name not in weights)
    total = sum(weights.values())
    if not total:
        return LikeForLike(None, None, left_out)
    old, new = (
        sum((weight * (costs[name][side] or Fraction(0)) for name, weight in weights.items()), Fraction(0)) / total
        for side in (0, 1)
    )
    return LikeForLike(new, old, left_out)


def _cost(weeks: Mapping[str, Week], name: str) -> Fraction | None:
    return weeks[name].cost if name in weeks else None


def weekly_index(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> pl.DataFrame:
    """Grain: one row per (week, workflow), and one of all workflows (`*`). From the ledger's `daily_cost` alone.

    `before_usd` is last week's cost per outcome; of a workflow the like-for-like figures are its own.
    """
    maturity = {name: workflow.maturity_days for name, workflow in loaded.config.workflows.items()}
    units = {name: workflow.unit for name, workflow in loaded.config.workflows.items()}
    by_week: dict[date, dict[str, Week]] = defaultdict(dict)
    totals = con.sql(sql("change/weekly_cost")).pl().with_columns(pl.col("spend_usd").to_physical())
    for row in totals.iter_rows(named=True):
        week = Week(row["workflow"], row["week"], outcomes=row["outcomes"], spend=row["spend_usd"])
        by_week[row["week"]][row["workflow"]] = week
    rows: list[dict[str, Any]] = []
    for monday, weeks in sorted(by_week.items()):
        before = by_week.get(monday - WEEK, {})
        sets = [({name: week}, {name: before[name]} if name in before else {}) for name, week in sorted(weeks.items())]
        for now, then in [(weeks, before), *sets]:
            name = ALL if now is weeks else next(iter(now))
            index = like_for_like(then, now)
            last = monday + timedelta(days=6)
            rows.append({
                "week": monday.strftime("%G-W%V"), "workflow": name, "unit": units.get(name),
                "outcomes": sum(week.outcomes for week in now.values()), "spend_usd": _spend(now.values()),
                "cost_per_outcome_usd": _shown(blended(now.values())),
                "before_usd": _shown(blended(then.values())),
                "like_for_like_usd": _shown(index.now), "like_for_like_before_usd": _shown(index.before),
                "index": _shown(index.index), "left_out": ", ".join(index.left_out) or None,
                "provisional": last > as_of - timedelta(days=max(maturity[n] for n in now)), "first_day": monday,
            })  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _spend(weeks: Iterable[Week]) -> Decimal | None:
    known = [week.spend for week in weeks if week.spend is not None]
    return rounded(Fraction(sum(known), PICO)) if known else None


def _shown(value: Fraction | None) -> Decimal | None:
    return None if value is None else rounded(value)
