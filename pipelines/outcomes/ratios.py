"""Where division happens: exact quotients, shown with 12 places, rounded half-even once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import overload

_PLACES = 12


def rounded(value: Fraction) -> Decimal:
    """`value` to 12 places, half-even."""
    scaled = value * 10**_PLACES
    low = scaled.numerator // scaled.denominator
    rest = scaled - low
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2):
        low += 1
    return Decimal(low).scaleb(-_PLACES)


@overload
def quotient(numerator: Decimal | int, denominator: Decimal | int) -> Decimal: ...
@overload
def quotient(numerator: Decimal | int | None, denominator: Decimal | int | None) -> Decimal | None: ...
def quotient(numerator: Decimal | int | None, denominator: Decimal | int | None) -> Decimal | None:
    """`numerator / denominator`, None where either is unknown or the denominator is not positive."""
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return rounded(Fraction(numerator) / Fraction(denominator))
