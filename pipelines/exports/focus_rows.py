"""Rows of the FOCUS dataset for one reporting day, from its charges.

Every row's costs are its unit prices × its quantity, exactly. What the ledger's rounding of single charges makes of
that is a row of its own per (account, workflow, allocation method), an Adjustment, so that the sum is the ledger's.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.exports.focus_prices import RECORDED, ZERO, Cell, Key, Rest, priced, term_name
from pipelines.exports.focus_skus import EXACT, document, meter, service, short

CAPACITY, WEIGHTS = "provisioned-capacity", "unit-weights"
#: `AllocatedMethodId` -> what was done
METHODS = {
    CAPACITY: "each hour's fixed cost by the list price of what it served, or by tokens where a list price is missing",
    WEIGHTS: "the weights that the call declares for its units, by largest remainder",
}


@dataclass(frozen=True)
class Day:
    """What all rows of a day share: its periods as FOCUS writes them, and what its workflows delivered."""

    periods: Mapping[str, str]
    workspace: str
    outcomes: Mapping[str, Mapping[str, Any]]  #: workflow -> its row of `daily_cost`
    declared: Mapping[str, str]  #: workflow -> its unit


def day_rows(found: Mapping[Key, Cell], day: Day) -> list[dict[str, Any]]:
    """Rows of one day in their order, rounding adjustments included."""
    capacity: dict[str, Decimal] = defaultdict(Decimal)
    for key, cell in found.items():
        if key.term:
            capacity[key.term] += cell.amount
    rests: dict[tuple[str, str | None, str | None, str | None], Rest] = defaultdict(Rest)
    rows = []
    for key, cell in found.items():
        method = _method(key)
        row = priced(key, cell, rests[key.provider, key.account, key.workflow, method])
        row |= _sku(key, row) | _spread(cell)
        if method:
            row |= _allocated(
                key, method, EXACT.divide(cell.amount, capacity[key.term]) if key.term and cell.amount else None
            )
        rows.append(_common(key.provider, key.account, key.workflow, day) | row)
    for (provider, account, workflow, method), rest in rests.items():
        if rest:
            row = {
                "ChargeCategory": "Adjustment", "ChargeFrequency": "Usage-Based",
                "ChargeDescription": "Rounding: charges are rounded one by one, to 12 places", "x_CostBasis": "rounding",
                "BilledCost": rest.amount, "EffectiveCost": rest.amount, "ContractedCost": rest.contracted,
                "ListCost": rest.listed, "AllocatedMethodId": method,
            }  # fmt: skip
            if method:
                row |= _resource(workflow) | {"AllocatedMethodDetails": _details(method, None)}
            rows.append(_common(provider, account, workflow, day) | row)
    for row in rows:
        row["x_RowId"] = row_id(row)
    return sorted(rows, key=_place)


def row_id(row: Mapping[str, Any]) -> str:
    """The same key gives the same id in every export."""
    names = (
        "x_ReportingDay", "BillingPeriodStart", "BillingAccountId", "SubAccountId", "ChargeCategory", "ChargeClass",
        "SkuPriceId", "x_Workflow", "AllocatedMethodId",
    )  # fmt: skip
    text = "\x1f".join("\x1e" if row.get(name) is None else str(row[name]) for name in names)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _place(row: Mapping[str, Any]) -> tuple:
    names = ("BillingAccountId", "SubAccountId", "x_Workflow", "ChargeCategory", "SkuPriceId", "AllocatedMethodId")
    return tuple((row.get(name) is not None, row.get(name) or "") for name in names)


def _method(key: Key) -> str | None:
    held = (CAPACITY if key.term and not key.standing else None, WEIGHTS if key.shared else None)
    return "+".join(filter(None, held)) or None


def _common(provider: str, account: str | None, workflow: str | None, day: Day) -> dict[str, Any]:
    unit, delivered = day.declared.get(workflow or ""), day.outcomes.get(workflow or "", {})
    return {
        **day.periods, **service(provider), "BillingAccountName": day.workspace, "BillingCurrency": "USD",
        "PricingCurrency": "USD", "ServiceCategory": "AI and Machine Learning", "ServiceSubcategory": "Generative AI",
        "SubAccountId": account, "SubAccountName": account, "SubAccountType": account and "Project",
        "Tags": document({"workflow": workflow, "unit": unit}), "x_Workflow": workflow, "x_Unit": unit,
        "x_OutcomeCount": delivered.get("outcomes"), "x_CostPerOutcome": delivered.get("cost_per_outcome_usd"),
    }  # fmt: skip


def _sku(key: Key, row: Mapping[str, Any]) -> dict[str, Any]:
    listed, contracted = row["ListUnitPrice"], row["ContractedUnitPrice"]
    sku = "/".join((key.provider, key.model or "*", key.sku))
    tier, region = key.tier or "standard", (key.region or "global").replace("/", "%2F")
    price = short(listed) if listed == contracted else f"{short(listed)}:{short(contracted)}"
    if key.standing or key.sku == RECORDED:
        price = term_name(key.term) or row["x_CostBasis"]
    term = f"{term_name(key.term)}/" if key.term and not key.standing else ""
    said = f"{key.model or key.provider}: {meter(key.sku).lower()}"
    return {
        "SkuId": sku, "SkuPriceId": f"{sku}/{tier}/{region}/{term}{price}", "SkuMeter": meter(key.sku),
        "SkuPriceDetails": document(
            {"x_ModelId": key.model, "x_TokenClass": key.sku, "x_ServiceTier": key.tier, "x_Region": key.region}
        ),
        "ChargeDescription": said if tier == "standard" else f"{said}, {tier}",
        "RegionId": key.region, "RegionName": key.region, "x_Model": key.model, "x_TokenClass": key.sku,
        "x_ServiceTier": key.tier, "x_ContractTerm": key.term and key.term.removeprefix("contract: "),
    }  # fmt: skip


def _spread(cell: Cell) -> dict[str, Any]:
    named = {task: cost for task, cost in cell.tasks.items() if task is not None}
    unborne = sum(cell.reasons.values(), ZERO)
    return {
        "x_RequestCount": cell.requests,
        "x_TaskType": next(iter(named)) if len(cell.tasks) == len(named) == 1 else None,
        "x_TaskTypeCosts": document({task: short(cost) for task, cost in named.items()}) if named else None,
        "x_UnattributedCost": unborne,
        "x_UnattributedReason": ", ".join(sorted(filter(None, cell.reasons))) or None,
    }


def _allocated(key: Key, method: str, share: Decimal | None) -> dict[str, Any]:
    ratio = None if share is None else share.quantize(Decimal("1e-12"), context=EXACT)
    if key.term is None:
        ratio = Decimal(1)  # shared by units of one workflow: all of it stays there
    return _resource(key.workflow) | {
        "AllocatedMethodId": method, "AllocatedMethodDetails": _details(method, ratio or ZERO),
        "AllocatedTags": document({"workflow": key.workflow}),
    }  # fmt: skip


def _resource(workflow: str | None) -> dict[str, Any]:
    """What the cost was allocated to: the workflow, or nobody."""
    named = workflow or "unattributed"
    return {"AllocatedResourceId": named, "AllocatedResourceName": named}


def _details(method: str, ratio: Decimal | None) -> str:
    rule = "; ".join(METHODS[part] for part in method.split("+"))
    return document({"Elements": [{"AllocatedRatio": ZERO if ratio is None else ratio}], "x_Rule": rule})
