"""Splitting an exact amount by weights: largest remainder, so that the parts sum to it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def spread(amount: int, weights: Sequence[Fraction | int]) -> list[int]:
    """`amount` in whole units by non-negative weights; ties go to the earlier part. All weights 0: equal parts."""
    total = sum(weights, Fraction(0))
    if not total:
        weights, total = [1] * len(weights), Fraction(len(weights))
    sign = -1 if amount < 0 else 1
    exact = [Fraction(abs(amount)) * weight / total for weight in weights]
    parts = [int(part) for part in exact]
    left = abs(amount) - sum(parts)
    for place in sorted(range(len(exact)), key=lambda i: (parts[i] - exact[i], i))[:left]:
        parts[place] += 1
    return [sign * part for part in parts]
