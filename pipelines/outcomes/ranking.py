"""The value ranking: which workflow returns most per dollar, and what the data can't tell apart.

Money stays exact: sums are integers of 10^-12 dollars, exported ratios are exact fractions rounded
half-even to 12 places. Only the width of an interval, a ratio, passes through a float (from exact moments).

- interval: log(value ÷ spend) ± t(n−1) · se, se² = Var(v/v̄ − c/c̄) / n (delta method, ratio of means)
- order: lower end of the 90 % interval after DerSimonian-Laird shrinkage to the common log ratio
- bands: neighbours whose difference interval (Welch) holds 0 share one
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import polars as pl
from scipy import special

from pipelines.outcomes.moments import MONEY, Moments

SCHEMA: dict[str, pl.DataType] = {
    "rank": pl.Int64(), "band": pl.Int64(), "workflow": pl.String(), "unit": pl.String(),
    "outcomes": pl.Int64(), "spend_usd": MONEY, "spend_share": MONEY, "value_usd": MONEY,
    "value_per_usd": MONEY, "low": MONEY, "high": MONEY, "break_even_value_usd": MONEY, "note": pl.String(),
}  # fmt: skip

MIN_OUTCOMES = 5
_LEVEL = 0.95  # upper quantile of a two-sided 90 % interval
Z = float(special.ndtri(_LEVEL))
_PICO = Decimal("1e-12")
_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)
_LARGEST = Decimal("1e25")  # what DECIMAL(38,12) holds; beyond it an interval says nothing
_TINIEST_VARIANCE = 1e-12  # keeps the weights finite where all units are alike


@dataclass(frozen=True, slots=True)
class Spread:
    """The log ratio of one workflow and its standard error, from `n` units."""

    log_ratio: float
    se: float
    n: int

    @property
    def t(self) -> float:
        return float(special.stdtrit(self.n - 1, _LEVEL))

    @property
    def variance(self) -> float:
        """se² widened by (t/z)², so that few units don't pull the others more than they know."""
        return max((self.se * self.t / Z) ** 2, _TINIEST_VARIANCE)


def value_ranking(known: Mapping[str, Moments], totals: pl.DataFrame, total_spend_usd: Decimal) -> pl.DataFrame:
    """Rows of the `value_ranking` export, best first, unranked workflows last.

    `known`: `moments` of the period's units, by workflow. Grain of `totals`: one workflow (workflow, unit, outcomes,
    spend_usd, value_usd or null where none is declared, outcome_events ever received). `total_spend_usd`: all spend of
    the period, unattributed included. Row order is no matter.
    """
    rows: list[dict] = []
    assessed = _assessed(known, totals)
    spreads = {name: spread for name, (_, spread, _) in assessed.items() if spread is not None}
    for total in totals.sort("workflow").iter_rows(named=True):
        spend, value, outcomes = total["spend_usd"], total["value_usd"], total["outcomes"]
        ratio, spread, notes = assessed[total["workflow"]]
        rows.append({
            "rank": None, "band": None, "workflow": total["workflow"], "unit": total["unit"],
            "outcomes": outcomes, "spend_usd": spend, "value_usd": value,
            "spend_share": _rounded(_divide(spend, total_spend_usd)), "value_per_usd": _rounded(ratio),
            "low": _exp_scaled(ratio, -spread.t * spread.se) if spread else None,
            "high": _exp_scaled(ratio, spread.t * spread.se) if spread else None,
            "break_even_value_usd": _rounded(_divide(spend, outcomes)) if outcomes > 0 else None,
            "note": "; ".join(notes) or None,
        })  # fmt: skip
    order = _order(spreads)
    bands = _bands([spreads[name] for name in order])
    place = {name: (rank, band) for rank, (name, band) in enumerate(zip(order, bands, strict=True), start=1)}
    for row in rows:
        row["rank"], row["band"] = place.get(row["workflow"], (None, None))
    rows.sort(key=lambda row: (row["rank"] is None, row["rank"] or 0, row["workflow"]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def rankable(known: Mapping[str, Moments], totals: pl.DataFrame) -> dict[str, Spread]:
    """The log ratio and its standard error of every workflow that can be ranked; arguments as in `value_ranking`."""
    return {name: spread for name, (_, spread, _) in _assessed(known, totals).items() if spread is not None}


def _assessed(
    known: Mapping[str, Moments], totals: pl.DataFrame
) -> dict[str, tuple[Fraction | None, Spread | None, list[str]]]:  # fmt: skip
    """By workflow: value per dollar, its spread, and why it has no rank (empty if it has one)."""
    found = {}
    for total in totals.sort("workflow").iter_rows(named=True):
        ratio, notes, spread = _divide(total["value_usd"], total["spend_usd"]), _notes(total), None
        if not notes:
            spread = _spread(ratio, known.get(total["workflow"]))
            if spread is None:
                notes.append("no units to compute an interval from")
            elif _exp_scaled(ratio, spread.t * spread.se) is None:
                notes.append("value too uncertain to rank")
                spread = None
        found[total["workflow"]] = (ratio, spread, notes)
    return found


def _notes(total: dict) -> list[str]:
    """Why a workflow is listed without rank and band; empty if it can be ranked."""
    spend, value, outcomes = total["spend_usd"], total["value_usd"], total["outcomes"]
    notes = []
    if not total["outcome_events"]:
        notes.append("no outcomes reported")
    elif outcomes <= 0 and spend:
        notes.append("all failed")
    elif outcomes < MIN_OUTCOMES:
        notes.append("fewer than five outcomes")
    if value is None:
        notes.append("no value declared")
    elif not notes and value == 0:
        notes.append("value is zero")
    elif not notes and value < 0:
        notes.append("more value was taken back than gained")
    if spend is None:
        notes.append("no priced spend")
    elif spend == 0:
        notes.append("no spend")
    return notes


def _spread(ratio: Fraction | None, known: Moments | None) -> Spread | None:
    """None where fewer than two units, no spend or no value leave nothing to compute a width from."""
    if ratio is None or ratio <= 0 or known is None:
        return None
    n, v, c, vv, vc, cc = known
    if n < 2 or v <= 0 or c <= 0:
        return None
    # Σ(v/v̄ − c/c̄)² = n² · (Σv²/(Σv)² − 2Σvc/(ΣvΣc) + Σc²/(Σc)²); the terms have mean 0
    squares = n * n * (Fraction(vv, v * v) - 2 * Fraction(vc, v * c) + Fraction(cc, c * c))
    log_ratio = math.log(ratio.numerator) - math.log(ratio.denominator)
    return Spread(log_ratio, math.sqrt(float(squares / (n * (n - 1)))), n)


def _order(spreads: dict[str, Spread]) -> list[str]:
    """Names by the lower end of the shrunk 90 % interval, highest first; ties by estimate, then name."""
    names = sorted(spreads)
    if not names:
        return []
    y = [spreads[name].log_ratio for name in names]
    variance = [spreads[name].variance for name in names]
    weights = [1 / s for s in variance]
    total = math.fsum(weights)
    mean = math.fsum(w * x for w, x in zip(weights, y, strict=True)) / total
    q = math.fsum(w * (x - mean) ** 2 for w, x in zip(weights, y, strict=True))
    spare = total - math.fsum(w * w for w in weights) / total
    between = max(0.0, (q - (len(names) - 1)) / spare) if spare > 0 else 0.0
    random = [1 / (s + between) for s in variance]
    centre = math.fsum(w * x for w, x in zip(random, y, strict=True)) / math.fsum(random)
    centre_variance = 1 / math.fsum(random)
    lower = {}
    for name, x, s in zip(names, y, variance, strict=True):
        own = between / (between + s)
        shrunk = own * x + (1 - own) * centre
        lower[name] = shrunk - Z * math.sqrt(own * s + (1 - own) ** 2 * centre_variance)
    return sorted(names, key=lambda name: (-round(lower[name], 12), -round(spreads[name].log_ratio, 12), name))


def _bands(ordered: list[Spread]) -> list[int]:
    """A new band begins where the 90 % interval of a neighbour difference (Welch) leaves out 0."""
    bands: list[int] = []
    for i, this in enumerate(ordered):
        if i == 0:
            bands.append(1)
            continue
        better = ordered[i - 1]
        squares = better.se**2 + this.se**2
        width = 0.0
        if squares > 0:
            freedom = squares**2 / (better.se**4 / (better.n - 1) + this.se**4 / (this.n - 1))
            width = float(special.stdtrit(freedom, _LEVEL)) * math.sqrt(squares)
        apart = better.log_ratio - this.log_ratio > max(width, 1e-12)
        bands.append(bands[-1] + 1 if apart else bands[-1])
    return bands


def _divide(over: Decimal | int | None, under: Decimal | int | None) -> Fraction | None:
    if over is None or not under:
        return None
    return Fraction(over) / Fraction(under)


def _rounded(ratio: Fraction | None) -> Decimal | None:
    """Half-even to 12 places, without a float (Python's `round` of a Fraction is half-even)."""
    return None if ratio is None else _WIDE.multiply(Decimal(round(ratio * 10**12)), _PICO)


def _exp_scaled(ratio: Fraction | None, exponent: float) -> Decimal | None:
    """ratio · e^exponent to 12 places; None where it is too large to be stored."""
    if ratio is None or exponent > 100:
        return None
    scaled = ratio * Fraction(math.exp(exponent))
    return _rounded(scaled) if scaled < Fraction(_LARGEST) else None
