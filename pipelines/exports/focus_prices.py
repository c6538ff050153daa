"""The cells of a day and their prices: quantity, unit prices and costs of a row, and what rounding leaves over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from pipelines.exports.focus_skus import EXACT, MILLION, quotient, units

ZERO = Decimal(0)
IDLE, RECORDED = "provisioned_idle", "recorded"


class Key(NamedTuple):
    """What makes a row of its own within a day."""

    provider: str
    account: str | None
    model: str | None
    sku: str
    tier: str | None
    region: str | None
    listed: Decimal | None
    contracted: Decimal | None
    term: str | None
    standing: bool
    shared: bool
    workflow: str | None


@dataclass
class Cell:
    """Sums of one row; `tasks`: cost by task type, `reasons`: what no unit bears, by reason."""

    requests: int = 0
    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    contracted: Decimal = ZERO
    listed: Decimal = ZERO
    tasks: dict[str | None, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    reasons: dict[str | None, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@dataclass
class Rest:
    """What price × quantity leaves over."""

    amount: Decimal = ZERO
    contracted: Decimal = ZERO
    listed: Decimal = ZERO

    def __bool__(self) -> bool:
        return bool(self.amount or self.contracted or self.listed)


def cells(rows: Iterable[Mapping[str, Any]]) -> dict[Key, Cell]:
    """Rows of the model `exports/focus_day` by what makes a row of the dataset."""
    found: dict[Key, Cell] = defaultdict(Cell)
    for row in rows:
        key = Key(
            row["provider"], row["account"], row["model"], row["sku"], row["service_tier"], row["region"] or None,
            row["list_unit_price"], row["contracted_unit_price"], row["term"], row["standing"], row["shared"],
            row["workflow"],
        )  # fmt: skip
        cell = found[key]
        cell.requests += 0 if key.standing else row["requests"]
        cell.quantity += row["quantity"]
        cell.amount += row["amount_usd"]
        cell.contracted += row["contracted_usd"]
        cell.listed += row["list_usd"]
        cell.tasks[row["task_type"]] += row["amount_usd"]
        reason = row["reason"] or (key.sku if key.standing else None)
        if reason:
            cell.reasons[reason] += row["amount_usd"]
    return found


def priced(key: Key, cell: Cell, rest: Rest) -> dict[str, Any]:
    """Prices, quantities and costs; what they leave over is added to `rest`."""
    if key.standing:
        row, effective, contracted, listed = _standing(key, cell)
    elif key.sku == RECORDED:
        row, effective, contracted, listed = _recorded(cell)
    else:
        row, effective, contracted, listed = _metered(key, cell)
    quantity = row["PricingQuantity"]
    billed = EXACT.multiply(effective, quantity)
    row |= {
        "x_EffectiveUnitPrice": effective, "ContractedUnitPrice": contracted, "ListUnitPrice": listed,
        "BilledCost": billed, "EffectiveCost": billed,
        "ContractedCost": EXACT.multiply(contracted, quantity), "ListCost": EXACT.multiply(listed, quantity),
    }  # fmt: skip
    if not key.standing:
        rest.amount = EXACT.add(rest.amount, EXACT.subtract(cell.amount, billed))
        rest.contracted = EXACT.add(rest.contracted, EXACT.subtract(cell.contracted, row["ContractedCost"]))
        rest.listed = EXACT.add(rest.listed, EXACT.subtract(cell.listed, row["ListCost"]))
    return row


def _metered(key: Key, cell: Cell) -> tuple[dict[str, Any], Decimal, Decimal, Decimal]:
    consumed, priced, per = units(key.sku)
    quantity = EXACT.divide(cell.quantity, per)
    agreed = None if key.contracted is None else EXACT.multiply(key.contracted, per)
    places = 9 if per == MILLION else 15
    effective = agreed if agreed is not None and not key.term else quotient(cell.amount, quantity, places)
    contracted = effective if agreed is None else agreed
    listed = contracted if key.listed is None else EXACT.multiply(key.listed, per)
    row = {
        "ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based", "ConsumedQuantity": cell.quantity,
        "ConsumedUnit": consumed, "PricingQuantity": quantity, "PricingUnit": priced,
        "PricingCategory": "Committed" if key.term else "Standard", "x_CostBasis": "computed",
        "x_ListPriceKnown": key.listed is not None,
    }  # fmt: skip
    if key.term:
        row |= {"CapacityReservationId": term_name(key.term), "CapacityReservationStatus": "Used"}
    return row, effective, contracted, listed


def _recorded(cell: Cell) -> tuple[dict[str, Any], Decimal, Decimal, Decimal]:
    """No rate is known: the dollars that the sender recorded are what is priced, at a dollar each."""
    one = Decimal(1)
    row = {
        "ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based", "ConsumedQuantity": Decimal(cell.requests),
        "ConsumedUnit": "Requests", "PricingQuantity": cell.amount, "PricingUnit": "USD", "PricingCategory": "Other",
        "x_CostBasis": RECORDED, "x_ListPriceKnown": False,
    }  # fmt: skip
    return row, one, one, one


def _standing(key: Key, cell: Cell) -> tuple[dict[str, Any], Decimal, Decimal, Decimal]:
    """A fixed cost that no request bears. Idle capacity has no price on demand, since nothing was asked of it."""
    row: dict[str, Any] = {
        "PricingQuantity": Decimal(1), "PricingCategory": "Committed", "x_CostBasis": "fixed", "x_ListPriceKnown": False,
    }  # fmt: skip
    if key.sku == IDLE:
        row |= {
            "ChargeCategory": "Usage", "ChargeFrequency": "Recurring", "ConsumedQuantity": ZERO, "ConsumedUnit": "Tokens",
            "PricingUnit": "Days", "CapacityReservationId": term_name(key.term), "CapacityReservationStatus": "Unused",
        }  # fmt: skip
        return row, cell.amount, ZERO, ZERO
    row |= {"ChargeCategory": "Purchase", "ChargeFrequency": "One-Time", "PricingUnit": "Commitments"}
    return row, cell.amount, cell.amount, cell.amount


def term_name(term: str | None) -> str | None:
    """`contract: provisioned reserved` -> `reserved`."""
    return None if term is None else term.removeprefix("contract: ").partition(" ")[2]
