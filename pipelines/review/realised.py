"""What a switch brought so far: the task type's spend per outcome before and since, from whole days.

    R = Σ spend of the task type ÷ Σ outcomes of the workflow, over the days of a period
    se² = n ÷ (n − 1) · Σ (spend − R · outcomes)² ÷ (Σ outcomes)²       (a ratio of sums over n days)
    saving a month = (R before − R since) · outcomes since · 30 ÷ days since ± t · √(se² before + se² since) · the same

with Student's t at 90 % and the smaller period's degrees of freedom. Periods are 28 days before the change and all
settled days after it; the day itself belongs to neither. Sums are exact, only the interval is statistics.

Nothing here tells a price cut from a switch: the bridge does, by its factors price and model mix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import sqrt

from scipy import stats

from pipelines.outcomes.ratios import rounded
from pipelines.review.facts import Row
from pipelines.split.traffic import MONTH_DAYS

BEFORE_DAYS = 28
LEAST_DAYS, LEAST_OUTCOMES = 5, 20


@dataclass(frozen=True)
class Served:
    """Answered by a tier: share of the task type's requests before and since the change; None without requests."""

    before: Fraction | None
    since: Fraction | None


@dataclass(frozen=True)
class Realised:
    """Dollars a month with a 90 % interval; `reason` where the data doesn't tell yet, and then the amounts may be None."""

    days: int
    outcomes: int
    usd_month: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    reason: str | None = None


@dataclass(frozen=True)
class _Period:
    days: Sequence[tuple[Fraction, int]]  #: spend and outcomes

    @property
    def outcomes(self) -> int:
        return sum(n for _, n in self.days)

    @property
    def ratio(self) -> Fraction:
        return sum((usd for usd, _ in self.days), Fraction(0)) / self.outcomes

    @property
    def variance(self) -> float:
        n, ratio = len(self.days), self.ratio
        squares = sum(float(usd - ratio * count) ** 2 for usd, count in self.days)
        return n / (n - 1) * squares / self.outcomes**2


def realised(
    task_days: Sequence[Row], daily: Sequence[Row], workflow: str, task_type: str, changed: date, settled: date
) -> Realised:
    """`task_days`, `daily`: rows of `task_cost` and `daily_cost`; `settled`: the workflow's last day that isn't provisional."""
    spend: dict[date, Fraction] = {}
    for row in task_days:
        if (row["workflow"], row["task_type"]) == (workflow, task_type):
            spend[row["day"]] = spend.get(row["day"], Fraction(0)) + Fraction(row["spend_usd"] or 0)
    outcomes: Mapping[date, int] = {r["day"]: r["outcomes"] for r in daily if r["workflow"] == workflow}
    known = sorted({*spend, *outcomes})
    first = changed - timedelta(days=BEFORE_DAYS)
    before = _Period([(spend.get(d, Fraction(0)), outcomes.get(d, 0)) for d in known if first <= d < changed])
    since = _Period([(spend.get(d, Fraction(0)), outcomes.get(d, 0)) for d in known if changed < d <= settled])
    count = max(since.outcomes, 0)
    if settled <= changed:
        return Realised(0, 0, reason="no settled day lies behind the change yet")
    if len(since.days) < LEAST_DAYS or count < LEAST_OUTCOMES:
        return Realised(
            len(since.days), count,
            reason=f"{len(since.days)} settled days and {count} outcomes since; {LEAST_DAYS} and {LEAST_OUTCOMES} are the least that tells",
        )  # fmt: skip
    if len(before.days) < LEAST_DAYS or before.outcomes < LEAST_OUTCOMES:
        return Realised(len(since.days), count, reason="too few days and outcomes before the change to compare with")
    scale = Fraction(count * MONTH_DAYS, (settled - changed).days)
    saved = (before.ratio - since.ratio) * scale
    t = float(stats.t.ppf(0.95, min(len(before.days), len(since.days)) - 1))
    reach = Fraction(t * sqrt(before.variance + since.variance)) * scale
    low, high = saved - reach, saved + reach
    reason = "the interval holds 0" if low <= 0 <= high else None
    return Realised(len(since.days), count, rounded(saved), rounded(low), rounded(high), reason)


def served(task_days: Sequence[Row], workflow: str, task_type: str, tier: str, changed: date, last: date) -> Served:
    """How much of the task type the tier answered in the 28 days before the change, and since (the day itself left out)."""
    counts = {"before": [0, 0], "since": [0, 0]}
    for row in task_days:
        if (row["workflow"], row["task_type"]) != (workflow, task_type) or row["day"] == changed or row["day"] > last:
            continue
        if row["day"] < changed - timedelta(days=BEFORE_DAYS):
            continue
        side = counts["before" if row["day"] < changed else "since"]
        side[0] += row["requests"] if row["tier"] == tier else 0
        side[1] += row["requests"]
    return Served(*(Fraction(own, total) if total else None for own, total in counts.values()))
