"""The series that the detectors watch: a workflow's days, with spend and good outcomes.

A day is *judged* when it is mature, has at least five outcomes and costs something; only judged days stand in a
baseline, move a CUSUM or raise an alarm. Days with fewer outcomes are shown and left alone: their cost per outcome is
mostly chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import duckdb

from pipelines.storage.models import sql

MIN_OUTCOMES = 5


@dataclass(frozen=True, slots=True)
class Day:
    """One workflow's day: dollars that its units bear, good outcomes, and whether its outcomes are in."""

    day: date
    spend_usd: Decimal | None
    outcomes: int
    mature: bool = True

    @property
    def judged(self) -> bool:
        return self.mature and self.outcomes >= MIN_OUTCOMES and self.spend_usd is not None and self.spend_usd > 0

    @property
    def log_cost(self) -> float:
        """Natural logarithm of the cost per outcome, from the exact fraction; of judged days only."""
        cost = Fraction(self.spend_usd or 0) / self.outcomes
        return math.log(cost.numerator) - math.log(cost.denominator)


def read_series(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, list[Day]]:
    """Days in order, by workflow, from the ledger's `daily_cost`."""
    found: dict[str, list[Day]] = {}
    for workflow, *fields in con.execute(sql("change/cost_days"), {"as_of": as_of}).fetchall():
        found.setdefault(workflow, []).append(Day(*fields))
    return found


def cost_per_outcome(days: Iterable[Day]) -> Fraction | None:
    """Exact spend of the days over their outcomes; None without an outcome."""
    spend, outcomes = Fraction(0), 0
    for day in days:
        spend += Fraction(day.spend_usd or 0)
        outcomes += day.outcomes
    return spend / outcomes if outcomes > 0 else None
