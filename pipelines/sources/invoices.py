"""Kind `invoices`: what was invoiced, typed from the invoices themselves, a row an amount, as CSV.

    invoice_id,provider,account,period_start,period_end,currency,amount_usd,kind
    INV-2026-10,anthropic,wrkspc_1,2026-10-01,2026-10-31,USD,1841.22,usage
    INV-2026-10,anthropic,wrkspc_1,2026-10-01,2026-10-31,USD,-100.00,credit

- invoice_id, provider, period_start, period_end: required; both days are included.
- kind: usage (the default), purchase, credit, adjustment or tax. Amounts are signed: a credit is negative.
- amount_usd: dollars; `amount` may stand instead where `currency` is USD (or left out). An amount in another
  currency without its amount_usd is quarantined: no exchange rate is guessed.
- account, item (a line of the invoice as it is worded): optional.

One amount per (provider, account, invoice_id, period, kind, item). A later file that holds an invoice replaces
the whole invoice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.sources.bills import BilledAmount
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.ids import provider_id
from pipelines.sources.report_pages import dollars
from pipelines.sources.tables import Cells
from pipelines.sources.values import Reject, optional_text, text

KINDS = ("usage", "purchase", "credit", "adjustment", "tax")


def parse_invoice(row: Any, context: Context) -> Iterator[BilledAmount]:
    """One amount of an invoice."""
    if type(row) is not Cells:
        raise Reject("expected a row of a CSV file")
    cells = {name: value.strip() for name, value in row.items()}
    kind = cells.get("kind") or "usage"
    if kind not in KINDS:
        raise Reject(f"kind: expected {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    invoice = text(cells.get("invoice_id"), "invoice_id")
    provider = provider_id(text(cells.get("provider"), "provider").lower())
    account = optional_text(cells.get("account"), "account")
    item = optional_text(cells.get("item"), "item")
    first, last = _day(cells, "period_start"), _day(cells, "period_end")
    if last < first:
        raise Reject("period_end: expected a day not before period_start")
    if first > context.latest.date():
        raise Reject("period_start: more than 24 h in the future")
    bucket = f"invoice|{provider}|{account or ''}|{invoice}"
    yield BilledAmount(
        key=f"{bucket}|{first}|{last}|{kind}|{item or ''}",
        start=_midnight(first),
        end=_midnight(last) + timedelta(days=1),
        provider=provider,
        account=account,
        item=item or kind,
        amount_usd=_amount(cells),
        category=kind,
        bucket=bucket,
    )


def _amount(cells: dict[str, Any]) -> Any:
    if cells.get("amount_usd"):
        return dollars(cells["amount_usd"], "usd")
    if (cells.get("currency") or "USD").upper() != "USD":
        raise Reject("amount_usd: expected the amount in dollars, as currency is not USD")
    return dollars(cells.get("amount"), "usd")


def _day(cells: dict[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(text(cells.get(name), name))
    except ValueError:
        raise Reject(f"{name}: expected YYYY-MM-DD") from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


FORMATS = (
    Format(
        kind="invoices",
        shapes=("csv",),
        tokens="none",
        key="provider, account, invoice_id, period, kind, item; the last file that holds an invoice wins",
        time="period_start, period_end, YYYY-MM-DD, both included",
        tags="none",
        recorded="exact",
        parse=parse_invoice,
    ),
)
