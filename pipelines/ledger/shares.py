"""Splitting what one call cost over the units that it served: exact, per charge, by largest remainder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction


def borne(
    units: Iterable[Mapping[str, str]], cost: Decimal | None, amounts: Iterable[Decimal | None]
) -> dict[str, Decimal | None]:
    """What each unit bears of a call with these charges: each charge split by itself; nothing where it has no price."""
    weights = merge_units((unit["unit_id"], Decimal(unit["weight"])) for unit in units)
    parts: dict[str, Decimal | None] = dict.fromkeys(weights, None if cost is None else Decimal(0))
    if cost is not None:
        for amount in amounts:
            for unit, part in split(amount or Decimal(0), weights).items():
                parts[unit] = (parts[unit] or Decimal(0)) + part
    return parts


def merge_units(units: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Weights by unit id; a unit named twice adds up."""
    merged: dict[str, Decimal] = {}
    for unit_id, weight in units:
        merged[unit_id] = merged.get(unit_id, Decimal(0)) + weight
    return merged


def split(amount: Decimal, weights: dict[str, Decimal]) -> dict[str, Decimal]:
    """Parts of a non-negative `amount` (12 places) by weight; they sum to it exactly.

    Every part is the exact fraction cut to 12 places; the last units left over go to the largest remainders, ties to
    the smaller unit id (the largest-remainder method of apportionment).
    """
    whole = int(amount.scaleb(12))
    total = sum((Fraction(w) for w in weights.values()), Fraction(0))
    exact = {unit: whole * Fraction(weight) / total for unit, weight in weights.items()}
    parts = {unit: int(share) for unit, share in exact.items()}
    left = whole - sum(parts.values())
    by_remainder = sorted(exact, key=lambda unit: (parts[unit] - exact[unit], unit))
    for unit in by_remainder[:left]:
        parts[unit] += 1
    return {unit: Decimal(part).scaleb(-12) for unit, part in parts.items()}
