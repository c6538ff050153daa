"""The sentence that this product began with: who takes a large share of spend for the least value per dollar."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import polars as pl

_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def finding(ranking: pl.DataFrame) -> str | None:
    """The sentence that the ranking is for: who takes a large share of spend for the least value per dollar.

    Said only when the data supports it, that is when all of this holds, else None:
    - at least two workflows are ranked, and the last one is alone in its band;
    - its 90 % interval lies below the value per dollar of every other ranked workflow;
    - its share of all spend is large: at least an equal share of the ranked workflows (1/k), taken as no
      less than 10 % and no more than 25 %.
    """
    ranked = ranking.filter(pl.col("rank").is_not_null()).sort("rank").to_dicts()
    if len(ranked) < 2:
        return None
    *others, last = ranked
    if others[-1]["band"] == last["band"] or any(last["high"] >= other["value_per_usd"] for other in others):
        return None
    large = min(max(1 / Decimal(len(ranked)), Decimal("0.10")), Decimal("0.25"))
    if last["spend_share"] is None or last["spend_share"] < large:
        return None
    name = str(last["workflow"]).replace("_", " ").replace("-", " ")
    percent = (last["spend_share"] * 100).quantize(Decimal(1), ROUND_HALF_EVEN)
    count = _COUNTED[len(ranked)] if len(ranked) < len(_COUNTED) else str(len(ranked))
    which = "workflows" if len(ranked) == ranking.height else "ranked workflows"
    return (
        f"{name[:1].upper()}{name[1:]} took {percent} % of spend and returned "
        f"${_dollars(last['value_per_usd'])} per dollar, the least of {count} {which}."
    )


def _dollars(amount: Decimal) -> str:
    """Cents; below ten cents two significant digits, so that a small return doesn't read as nothing."""
    if amount >= Decimal("0.1"):
        return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_EVEN):,f}"
    return f"{Context(prec=2, rounding=ROUND_HALF_EVEN).create_decimal(amount):f}"
