"""Prices, charges and what each unit bears, in exact fractions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tests.reference.choosing import Counted
from tests.reference.shapes import TOKEN_CLASSES, half_even

#: (provider, model, token class, service tier, time, total input) -> dollars a token, None where no rate is
#: known
Rate = Callable[[str, str, str, str, datetime, int], Fraction | None]


@dataclass
class Charge:
    sku: str
    quantity: int
    price: Fraction | None
    amount: Fraction | None


@dataclass
class Priced:
    """A counted call with its charges and the part of each that its units bear."""

    call: Counted
    basis: str
    cost: Fraction | None
    charges: list[Charge]
    borne: dict[str, Fraction | None]


def price(call: Counted, rate: Rate) -> Priced:
    report = call.report

    def rate_of(token_class: str) -> Fraction | None:
        return rate(report.provider, report.model, token_class, report.tier, report.time, report.total_input)

    tokens = dict(report.tokens)
    if tokens["reasoning"] and rate_of("reasoning") is not None:
        tokens["output"] -= tokens["reasoning"]
    else:
        tokens["reasoning"] = 0
    charges = [Charge(sku, tokens[sku], rate_of(sku), None) for sku in TOKEN_CLASSES if tokens[sku]]
    known = all(charge.price is not None for charge in charges)
    silent = report.recorded is None or (report.estimate and report.recorded == 0)
    if (charges and known) or (not charges and (silent or report.recorded == 0)):
        for charge in charges:
            charge.amount = half_even((charge.price or Fraction(0)) * charge.quantity)
        basis, cost = "computed", sum((charge.amount or Fraction(0) for charge in charges), Fraction(0))
    elif silent:
        basis, cost = "unpriced", None
        for charge in charges:
            charge.price = None
    else:
        basis, cost = "recorded", report.recorded
        charges = [Charge("recorded", 1, report.recorded, report.recorded)]
    return Priced(call, basis, cost, charges, _borne(call, cost, charges))


def _borne(call: Counted, cost: Fraction | None, charges: list[Charge]) -> dict[str, Fraction | None]:
    if call.reason:
        return {}
    if not call.units:
        return {call.unit or "": cost}
    if cost is None:
        return dict.fromkeys(call.units)
    parts: dict[str, Fraction | None] = dict.fromkeys(call.units, Fraction(0))
    for charge in charges:
        for unit, part in split(charge.amount or Fraction(0), call.units).items():
            parts[unit] = (parts[unit] or 0) + part
    return parts


def split(amount: Fraction, weights: dict[str, Fraction]) -> dict[str, Fraction]:
    """Largest remainder at 12 places: the last places left over go to the greatest remainders, ties to the
    smaller id."""
    whole, total = amount * 10**12, sum(weights.values())
    exact = {unit: whole * weight / total for unit, weight in weights.items()}
    parts = {unit: share.numerator // share.denominator for unit, share in exact.items()}
    order = sorted(exact, key=lambda unit: (parts[unit] - exact[unit], unit))
    for unit in order[: int(whole) - sum(parts.values())]:
        parts[unit] += 1
    return {unit: Fraction(part, 10**12) for unit, part in parts.items()}
