"""The new tier against the old one on units that each alone worked on: quality, cost per good outcome, and their bounds.

Quality is the share of units that came out good without a failure or rejection before. Differences are taken within
blocks (a phase of the rollout × a recorded stratum) and weighted by n·m ÷ (n + m) (Mantel-Haenszel), so a share that
grew or another mix of strata moves nothing. Variances hold two pseudo-units of either kind (Agresti-Coull), so that
thirty units without a fault still leave room.

    cost per good outcome = (mean cost of the task's calls on the tier + mean cost of the unit's other calls, of both) ÷ quality

Up to the first verdict on either side: what a fault costs later is in the division, as every further try is like it.
Log ratios and differences by the delta method; deciding bounds by the confidence sequence of `split.noninferiority`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from pipelines.rollout.cells import MIXED, Cells, UnitCell
from pipelines.rollout.trials import Trial
from pipelines.split.noninferiority import sequence_z

MICRO = 1_000_000
LEAST = 5  #: units of either side below which a stratum is not told apart


@dataclass
class Side:
    """Exact sums over settled units."""

    n: int = 0
    good: int = 0
    task: Fraction = Fraction(0)
    other: Fraction = Fraction(0)
    task_squares: Decimal = Decimal(0)
    task_good: Decimal = Decimal(0)
    other_squares: Decimal = Decimal(0)

    def add(self, cell: UnitCell) -> None:
        self.n, self.good = self.n + cell.settled, self.good + cell.good
        self.task, self.other = self.task + Fraction(cell.task_usd), self.other + Fraction(cell.other_usd)
        self.task_squares += cell.task_squares
        self.task_good += cell.task_good
        self.other_squares += cell.other_squares

    @property
    def quality(self) -> float:
        return self.good / self.n

    @property
    def quality_variance(self) -> float:
        p = (self.good + 2) / (self.n + 4)
        return p * (1 - p) / self.n

    @property
    def task_variance(self) -> float:
        """Of the mean."""
        mean = float(self.task / self.n)
        return max(float(self.task_squares) / MICRO**2 / self.n - mean**2, 0.0) / self.n

    @property
    def covariance(self) -> float:
        """Of the mean task cost and the quality."""
        return (float(self.task_good) / MICRO / self.n - float(self.task / self.n) * self.quality) / self.n


@dataclass(frozen=True)
class Difference:
    """An estimate with its standard error; `n`: units of the smaller side, which the sequence's width follows."""

    estimate: float
    error: float
    n: int

    def bounds(self) -> tuple[float, float]:
        """One-sided 95 % each, whenever one looks."""
        reach = sequence_z(self.n) * self.error
        return self.estimate - reach, self.estimate + reach


@dataclass(frozen=True)
class Compared:
    """`concurrent`: the old tier's units are of the same days; else of the days before."""

    new: Side
    old: Side
    mixed: int  #: units that no tier can claim
    quality: Difference | None
    cost_ratio: Difference | None  #: log of new ÷ old cost per good outcome
    concurrent: bool


def compare(trial: Trial, own: Cells, through: date) -> Compared:
    """What units begun until `through` say. At 100 % the old tier's side is the time before and during the canary."""
    rows = [cell for cell in own.units if cell.day <= through]
    partial = {since for step in trial.steps if step.percent < 100 for since in step.phases}
    whole = {since for step in trial.steps if step.percent == 100 for since in step.phases}
    concurrent = trial.step.percent < 100
    if concurrent:
        new = [c for c in rows if c.tier == trial.new and c.since in partial]
        old = [c for c in rows if c.tier == trial.old and c.since in partial]
    else:
        new = [c for c in rows if c.tier == trial.new and c.since in whole]
        old = [c for c in rows if c.tier == trial.old and c.since not in whole and _lately(c, trial)]
    ours = partial if concurrent else whole
    mixed = sum(c.units for c in rows if c.tier == MIXED and c.since in ours)
    a, b = _side(new), _side(old)
    if not a.n or not b.n:
        return Compared(a, b, mixed, None, None, concurrent)
    return Compared(a, b, mixed, _quality(new, old, by_phase=concurrent), cost_ratio(a, b), concurrent)


def _lately(cell: UnitCell, trial: Trial) -> bool:
    return trial.since.date() - timedelta(days=28) <= cell.day and cell.since < trial.until


def _side(cells: Iterable[UnitCell]) -> Side:
    side = Side()
    for cell in cells:
        side.add(cell)
    return side


def _quality(new: list[UnitCell], old: list[UnitCell], *, by_phase: bool) -> Difference | None:
    blocks: dict[tuple, tuple[Side, Side]] = defaultdict(lambda: (Side(), Side()))
    for place, cells in enumerate((new, old)):
        for cell in cells:
            blocks[(cell.since if by_phase else None, cell.stratum)][place].add(cell)
    whole_new, whole_old = _side(new), _side(old)
    p_new, p_old = ((side.good + 2) / (side.n + 4) for side in (whole_new, whole_old))
    total = difference = variance = 0.0
    for a, b in blocks.values():
        if a.n and b.n:
            weight = a.n * b.n / (a.n + b.n)
            total += weight
            difference += weight * (a.quality - b.quality)
            variance += weight**2 * (p_new * (1 - p_new) / a.n + p_old * (1 - p_old) / b.n)
    if not total:
        return None
    n = min(whole_new.n, whole_old.n)
    return Difference(difference / total, math.sqrt(variance) / total, n)


def cost_ratio(new: Side, old: Side) -> Difference | None:
    """Log of the new tier's cost per good outcome over the old one's; None where one side has none or no cost."""
    if not new.good or not old.good:
        return None
    other = float((new.other + old.other) / (new.n + old.n))
    a, b = float(new.task / new.n) + other, float(old.task / old.n) + other
    if a <= 0 or b <= 0:
        return None
    variance = _other_variance(new, old) * (1 / a - 1 / b) ** 2
    for side, cost in ((new, a), (old, b)):
        q = side.quality
        variance += side.task_variance / cost**2 + side.quality_variance / q**2 - 2 * side.covariance / (cost * q)
    estimate = math.log(a / new.quality) - math.log(b / old.quality)
    return Difference(estimate, math.sqrt(max(variance, 0.0)), min(new.n, old.n))


def _other_variance(new: Side, old: Side) -> float:
    n = new.n + old.n
    mean = float((new.other + old.other) / n)
    return max(float(new.other_squares + old.other_squares) / MICRO**2 / n - mean**2, 0.0) / n


def saving_per_outcome(new: Side, old: Side) -> tuple[Fraction, float]:
    """(old − new cost per good outcome in dollars, standard error); both sides have good units."""
    other = (new.other + old.other) / (new.n + old.n)
    cost = {id(side): side.task / side.n + other for side in (new, old)}
    q = {id(side): Fraction(side.good, side.n) for side in (new, old)}
    saving = cost[id(old)] / q[id(old)] - cost[id(new)] / q[id(new)]
    variance = _other_variance(new, old) * float(1 / q[id(old)] - 1 / q[id(new)]) ** 2
    for side in (new, old):
        c, p = float(cost[id(side)]), float(q[id(side)])
        variance += side.task_variance / p**2 + side.quality_variance * c**2 / p**4 - 2 * side.covariance * c / p**3
    return saving, math.sqrt(max(variance, 0.0))
