"""Kind `focus`: rows of a FOCUS Cost and Usage dataset, 1.0 to 1.4, of AI services. They reconcile.

The version shows itself by its columns: ServiceProviderName (1.3 on) or ProviderName (until 1.3). BilledCost is what
the invoice says and EffectiveCost what was used up; both are kept, apart, and never added. Corrections of earlier
periods are rows like others. FOCUS has no row id and equal rows are legal: a delivery replaces its billing period
(per provider and issuer) as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pipelines.sources import canonical
from pipelines.sources.bills import BilledAmount
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.ids import provider_id
from pipelines.sources.report_pages import dollars
from pipelines.sources.tables import Cells
from pipelines.sources.values import Reject, decimal, text, utc_text

#: FOCUS names providers as they sign their invoices (lower case) -> provider id
_PROVIDERS = {
    "amazon web services": "aws",
    "anthropic, pbc": "anthropic",
    "google cloud": "google",
    "google cloud platform": "google",
    "microsoft": "azure",
    "microsoft azure": "azure",
    "mistral ai": "mistral",
    "open router": "openrouter",
}
_CATEGORIES = ("usage", "purchase", "credit", "adjustment", "tax")
_LONGEST = 256


def parse_focus(row: Any, context: Context) -> Iterator[BilledAmount]:
    """One charge of an AI service; rows of other services are skipped and counted as such."""
    if type(row) is not dict and type(row) is not Cells:
        raise Reject("expected a row with a header")
    cells = {name: value.strip() if type(value) is str else value for name, value in row.items()}
    details = _details(cells.get("SkuPriceDetails"))
    if not _of_ai(cells, details):
        context.notes.skipped += 1
        return
    ahead = context.until(context.latest + timedelta(days=366))  # a period bought in advance ends far ahead
    start, end = _period(cells, "ChargePeriod", ahead)
    billed_from, _ = _period(cells, "BillingPeriod", ahead)
    currency = cells.get("BillingCurrency")
    effective = cells.get("EffectiveCost")
    quantity = cells.get("ConsumedQuantity")
    provider = _provider(cells)
    category = text(cells.get("ChargeCategory"), "ChargeCategory").lower()
    if category not in _CATEGORIES:
        raise Reject("ChargeCategory: expected Usage, Purchase, Credit, Adjustment or Tax")
    yield BilledAmount(
        key=canonical.text({name: str(value) for name, value in cells.items() if value is not None}),
        start=start,
        end=end,
        provider=provider,
        account=_short(cells.get("BillingAccountId")),
        item=_short(cells.get("SkuMeter") or cells.get("ChargeDescription") or cells.get("SkuId")),
        amount_usd=dollars(cells.get("BilledCost"), currency),
        quantity=None if quantity is None else decimal(quantity, "ConsumedQuantity"),
        unit=_short(cells.get("ConsumedUnit")),
        model=_short(details.get("ModelId") or cells.get("x_ModelId") or cells.get("SkuId") or cells.get("SkuMeter")),
        flags=("correction",) if cells.get("ChargeClass") == "Correction" else (),
        category=category,
        effective_usd=None if effective is None else dollars(effective, currency),
        bucket=f"focus|{billed_from.isoformat()}|{provider}|{cells.get('InvoiceIssuerName') or ''}",
    )


def _of_ai(cells: Mapping[str, Any], details: Mapping[str, Any]) -> bool:
    return (
        cells.get("ServiceCategory") == "AI and Machine Learning"
        or cells.get("ServiceSubcategory") == "Generative AI"
        or bool(details.get("ModelId") or cells.get("x_ModelId"))
    )


def _details(value: Any) -> Mapping[str, Any]:
    """SkuPriceDetails is a JSON text in CSV and often a map in Parquet; what can't be read says nothing."""
    if isinstance(value, list):
        return {pair[0]: pair[1] for pair in value if isinstance(pair, list | tuple) and len(pair) == 2}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


def _provider(cells: Mapping[str, Any]) -> str:
    named = cells.get("ServiceProviderName") or cells.get("ProviderName") or cells.get("InvoiceIssuerName")
    name = text(named, "ServiceProviderName or ProviderName").lower()
    return _PROVIDERS.get(name) or provider_id(name)


def _period(cells: Mapping[str, Any], name: str, context: Context) -> tuple[datetime, datetime]:
    start, end = (_instant(cells.get(name + side), name + side, context) for side in ("Start", "End"))
    if end <= start:
        raise Reject(f"{name}End: expected a time after {name}Start")
    return start, end


def _instant(value: Any, name: str, context: Context) -> datetime:
    """ISO 8601, UTC; `4/1/25` is a day in April or in January, so it is refused and not guessed."""
    if type(value) is str and len(value) == len("2026-11-01"):
        value += "T00:00:00Z"
    return utc_text(value, name, context)


def _short(value: Any) -> str | None:
    return value[:_LONGEST] if type(value) is str and value else None


FORMATS = (
    Format(
        kind="focus",
        shapes=("csv", "parquet"),
        tokens="none: quantities are not usage",
        key="none: a delivery replaces its billing period per provider and issuer; equal rows are legal",
        time="ChargePeriodStart, ChargePeriodEnd, BillingPeriodStart, ISO 8601 in UTC",
        tags="none: Tags and SubAccount are not kept",
        recorded="exact",
        parse=parse_focus,
    ),
)
