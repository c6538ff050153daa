"""Shapley values of a sum of products, in exact fractions, and their rounding to amounts that add up.

A cost per outcome is a sum of terms, each the product of its factors: outcome mix × attempts per outcome × tokens per
attempt × model mix × price. The Shapley value of a factor is its mean marginal effect over all orders in which the
factors can move from their old to their new values; the values sum to the whole change. For one product of k factors it
is (new − old) × Σ_j w_j e_j, where e_j is the sum over all ways to take j of the other factors as new and the rest as
old, and w_j = j! (k − 1 − j)! / k!. Terms are worked out in integers over a common denominator: the same result as in
fractions, an order of magnitude faster.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from math import factorial, lcm
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Pair = tuple[Fraction, Fraction]  #: a factor's value before and after


def shapley(pairs: Sequence[Pair]) -> tuple[tuple[int, ...], int]:
    """Numerators of each factor's effect on the product of `pairs`, and their common denominator.

    A factor that doesn't change takes no part but as a constant: its effect is 0, and the others' are the same without
    it (the Shapley value's null player).
    """
    moving = [place for place, (old, new) in enumerate(pairs) if old != new]
    count = len(moving)
    effects = [0] * len(pairs)
    constant, denominator = 1, factorial(count)
    for old, new in pairs:
        if old == new:
            constant *= old.numerator
            denominator *= old.denominator
    if not constant or not count:
        return tuple(effects), 1
    before, after = [], []
    for place in moving:
        old, new = pairs[place]
        common = lcm(old.denominator, new.denominator)
        before.append(old.numerator * (common // old.denominator))
        after.append(new.numerator * (common // new.denominator))
        denominator *= common
    weights = [constant * factorial(j) * factorial(count - 1 - j) for j in range(count)]
    for moved in range(count):
        ways = [1]  # e_j of the factors met so far
        for other in range(count):
            if other != moved:
                stays, moves = before[other], after[other]
                ways = [
                    (ways[j] * stays if j < len(ways) else 0) + (ways[j - 1] * moves if j else 0)
                    for j in range(len(ways) + 1)
                ]
        whole = sum(weight * way for weight, way in zip(weights, ways, strict=True))
        effects[moving[moved]] = (after[moved] - before[moved]) * whole
    return tuple(effects), denominator


def summed(parts: Sequence[tuple[Key, int, int]]) -> tuple[dict[Key, int], int]:
    """Exact sums by key of (key, numerator, denominator), as numerators over one common denominator."""
    common = lcm(*{denominator for _, _, denominator in parts})
    totals: dict[Key, int] = {}
    for key, numerator, denominator in parts:
        totals[key] = totals.get(key, 0) + numerator * (common // denominator)
    return totals, common


def apportion(exact: Mapping[Key, Fraction], total: int, unit: int) -> dict[Key, int]:
    """Whole numbers of 1/`unit` that sum to `total`, each within one of its exact value (largest remainder).

    `total` is the sum of `exact` in those units, give or take the rounding of its two ends. What is exactly 0 stays 0
    as long as anything else is there; ties go to the key that comes first in `exact`.
    """
    scaled = {key: value * unit for key, value in exact.items()}
    whole = {key: value.numerator // value.denominator for key, value in scaled.items()}
    left = total - sum(whole.values())
    takers = [key for key, value in scaled.items() if value] or list(scaled)
    if not takers:
        if left:
            raise ValueError(f"nothing to apportion {left} to")
        return whole
    order = sorted(takers, key=lambda key: whole[key] - scaled[key])  # sorted is stable: ties keep their order
    if left < 0:
        order.reverse()
    step = 1 if left > 0 else -1
    for place in range(abs(left)):
        whole[order[place % len(order)]] += step
    return whole
