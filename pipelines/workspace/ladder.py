"""A ladder of tiers from the rates of the models that logs name: a proposal by price, to be judged by people."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Any

from pipelines.rates.book import Rate

#: Models put on the ladder, at most.
LADDER = 60


def mean_price(rates: Iterable[Rate]) -> Decimal | None:
    """A token's price where one in four is an answer's: the rung of a model, not its bill."""
    found: dict[str, Decimal] = {}
    for rate in sorted(rates, key=lambda rate: (rate.region, rate.band_over)):
        if rate.service_tier == "standard":
            found.setdefault(rate.class_, rate.unit_price)
    if not found.get("input") or not found.get("output"):
        return None
    return (3 * found["input"] + found["output"]) / 4


def tiers(prices: dict[str, Decimal]) -> list[tuple[str, list[str]]]:
    """Models in up to three rungs, dearest first, so that prices within a rung are as alike as can be.

    The cuts with the least sum of squared differences of log prices from their rung's mean (Jenks' natural breaks);
    none runs between prices that differ by less than a fifth.
    """
    ranked = sorted(prices, key=lambda name: (-prices[name], name))[:LADDER]
    logs = [prices[name].ln() for name in ranked]
    if not ranked:
        return []
    falls = [place for place in range(1, len(ranked)) if prices[ranked[place - 1]] >= prices[ranked[place]] * 6 / 5]
    count = min(2, len(falls))
    cuts = min(combinations(falls, count), key=lambda cuts: sum(map(_spread_of, _cut(logs, cuts))))
    names = {0: ("standard",), 1: ("frontier", "light"), 2: ("frontier", "standard", "light")}[count]
    return [(name, rung) for name, rung in zip(names, _cut(ranked, cuts), strict=True) if rung]


def _cut(values: list[Any], cuts: tuple[int, ...]) -> list[list[Any]]:
    return [values[start:end] for start, end in pairwise((0, *cuts, len(values)))]


def _spread_of(values: list[Decimal]) -> Decimal:
    mean = sum(values, Decimal(0)) / len(values)
    return sum(((value - mean) ** 2 for value in values), Decimal(0))
