"""Prices, charges and what each unit bears, in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.reference import contracts
from tests.reference.choosing import Counted
from tests.reference.contracts import Name, Standing
from tests.reference.shapes import TOKEN_CLASSES, World, half_even

#: (provider, model, token class, service tier, time, total input) -> dollars a token, None where no rate is
#: known
Rate = Callable[[str, str, str, str, datetime, int], Fraction | None]


@dataclass
class Charge:
    """One SKU of a request: by list, by contract, and what it comes to (`price`, `amount`)."""

    sku: str
    quantity: int
    list_price: Fraction | None = None
    agreed_price: Fraction | None = None
    price: Fraction | None = None
    list_amount: Fraction | None = None
    agreed_amount: Fraction | None = None
    amount: Fraction | None = None


@dataclass
class Priced:
    """A counted call with its charges and the part of each that its units bear."""

    call: Counted
    basis: str
    cost: Fraction | None
    charges: list[Charge]
    tokens: list[Charge]  #: what its token classes would be charged as, whatever the basis
    borne: dict[str, Fraction | None] = field(default_factory=dict)


def price(world: World, call: Counted, rate: Rate, name: Name) -> Priced:
    """On demand: by list and by contract. What units bear follows in `bear`."""
    report = call.report

    def listed(token_class: str) -> Fraction | None:
        return rate(report.provider, report.model, token_class, report.tier, report.time, report.total_input)

    def agreed(token_class: str) -> Fraction | None:
        return contracts.contracted(
            world, name, report.provider, report.model, token_class, report.tier, report.time, listed(token_class)
        )

    tokens = dict(report.tokens)
    if tokens["reasoning"] and agreed("reasoning") is not None:
        tokens["output"] -= tokens["reasoning"]
    else:
        tokens["reasoning"] = 0
    charges = [Charge(sku, tokens[sku], listed(sku), agreed(sku), agreed(sku)) for sku in TOKEN_CLASSES if tokens[sku]]
    known = all(charge.price is not None for charge in charges)
    silent = report.recorded is None or (report.estimate and report.recorded == 0)
    if (charges and known) or (not charges and (silent or report.recorded == 0)):
        for charge in charges:
            charge.amount = charge.agreed_amount = half_even((charge.price or Fraction(0)) * charge.quantity)
            if charge.list_price is not None:
                charge.list_amount = half_even(charge.list_price * charge.quantity)
        return Priced(call, "computed", sum((c.amount or Fraction(0) for c in charges), Fraction(0)), charges, charges)
    unknown = [Charge(charge.sku, charge.quantity) for charge in charges]
    if silent:
        return Priced(call, "unpriced", None, unknown, unknown)
    whole = report.recorded
    sent = Charge("recorded", 1, None, whole, whole, None, whole, whole)
    return Priced(call, "recorded", whole, [sent], unknown)


def fixed_costs(world: World, priced: list[Priced], name: Name, last: date) -> list[Standing]:
    """Spreads capacity over the calls it served, and answers what no call bears: idle capacity, unmet commitments."""
    if not priced:
        return []
    first = min(one.call.day for one in priced)
    served: dict[tuple[date, str], list[Priced]] = defaultdict(list)
    for one in priced:
        capacity = contracts.capacity_of(world, name, one.call)
        if capacity:
            served[one.call.day, capacity["name"]].append(one)
    standing = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for capacity in world.contract.get("provisioned", []):
            if contracts.holds(capacity, day):
                idle = _spread(world, capacity, day, served[day, capacity["name"]])
                if idle:
                    standing.append(
                        Standing(day, capacity["provider"], capacity["model"], "provisioned_idle", capacity["name"],
                                 "idle_capacity", idle)
                    )  # fmt: skip
    return standing + [
        s for c in world.contract.get("commitments", []) for s in _unmet(c, priced, standing, first, last)
    ]


def _spread(world: World, capacity: dict[str, Any], day: date, calls: list[Priced]) -> Fraction:
    every = [charge for one in calls for charge in one.tokens]
    by_list = all(charge.list_amount is not None for charge in every)
    began, idle = contracts.start(world, day), Fraction(0)
    for one in calls:
        if one.tokens:
            one.basis, one.cost, one.charges = "computed", Fraction(0), one.tokens
    for hour, cost in contracts.cost_of_hours(world, capacity, day).items():
        weights, found = {}, {}
        for one in calls:
            if (one.call.report.time - began) // timedelta(hours=1) == hour:
                for charge in one.tokens:
                    key = (
                        "\x1f".join((one.call.report.source, one.call.report.provider, one.call.report.key)),
                        charge.sku,
                    )
                    weights[key] = (charge.list_amount if by_list else Fraction(charge.quantity)) or Fraction(0)
                    found[key] = (one, charge)
        parts = contracts.apportion(cost, weights) if sum(weights.values()) else dict.fromkeys(weights, Fraction(0))
        idle += cost - sum(parts.values(), Fraction(0))
        for key, part in parts.items():
            one, charge = found[key]
            charge.amount, charge.price = part, half_even(part / charge.quantity, 15)
            one.cost = (one.cost or Fraction(0)) + part
    return idle


def _unmet(
    commitment: dict[str, Any], priced: list[Priced], standing: list[Standing], first: date, last: date
) -> list[Standing]:
    found = []
    for since, until in contracts.periods(commitment, last):
        if since >= first:
            used = sum(
                (one.cost or Fraction(0) for one in priced
                 if one.call.report.provider == commitment["provider"] and since <= one.call.day <= until),
                Fraction(0),
            )  # fmt: skip
            used += sum(
                (s.amount for s in standing if s.provider == commitment["provider"] and since <= s.day <= until),
                Fraction(0),
            )
            missing = Fraction(commitment["amount_usd"]) - used
            if missing > 0:
                found.append(
                    Standing(until, commitment["provider"], "*", "commitment_shortfall", commitment["name"],
                             "unmet_commitment", missing)
                )  # fmt: skip
    return found


def bear(one: Priced) -> None:
    """What each unit bears of each charge."""
    call = one.call
    if call.reason:
        return
    if not call.units:
        one.borne = {call.unit or "": one.cost}
        return
    one.borne = dict.fromkeys(call.units, None if one.cost is None else Fraction(0))
    if one.cost is not None:
        for charge in one.charges:
            for unit, part in split(charge.amount or Fraction(0), call.units).items():
                one.borne[unit] = (one.borne[unit] or Fraction(0)) + part


def split(amount: Fraction, weights: dict[str, Fraction]) -> dict[str, Fraction]:
    """Largest remainder at 12 places: the last places left over go to the greatest remainders, ties to the
    smaller id."""
    return contracts.apportion(amount, weights)
