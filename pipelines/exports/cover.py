"""What a cover says of the figures behind it: whose, of when, in which currency and zone, from which run and rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pipelines.outcomes.ratios import quotient
from pipelines.publish.currency import Shown, shown
from pipelines.storage.models import literal
from pipelines.storage.published import Published


def cover_lines(published: Published, first: date | None = None, last: date | None = None) -> list[tuple[str, str]]:
    """Label and text, in order."""
    meta = published.meta
    spend, unattributed = spent(published, first, last)
    share = quotient(unattributed, spend)
    currency = shown(meta)
    summary = meta["summary"]
    return [
        ("Workspace", meta["name"]),
        ("Period", period_text(published, first, last)),
        ("As of", meta["as_of"] or "nothing yet"),
        ("Currency", currency.said),
        ("Time zone", meta["timezone"]),
        ("Run", meta["run_id"]),
        ("Rate book", meta["rate_book"] or "none"),
        ("Spend", _money(spend, currency)),
        (
            "Unattributed share",
            f"{share * 100:.1f} % ({_money(unattributed, currency)} that no unit of a declared workflow bears)"
            if share is not None
            else "no spend",
        ),
        ("Requests", f"{summary['requests']:,} in the whole ledger, {summary['unpriced_requests']:,} without a price"),
    ]


def _money(usd: Decimal, currency: Shown) -> str:
    """Dollars, and what they are in another reporting currency."""
    shown_usd = f"{usd:,.2f} USD"
    return shown_usd if currency.currency == "USD" else f"{currency(usd):,.2f} {currency.currency} ({shown_usd})"


def period_text(published: Published, first: date | None = None, last: date | None = None) -> str:
    meta = published.meta
    start, end = first or meta["first_day"], last or meta["last_day"]
    return f"{start} to {end}, both included" if start and end else "no day yet"


def spent(published: Published, first: date | None = None, last: date | None = None) -> tuple[Decimal, Decimal]:
    """Spend of the period, and what of it no unit bears."""
    limits = [f"day >= date {literal(str(first))}"] * bool(first) + [f"day <= date {literal(str(last))}"] * bool(last)
    where = f"where {' and '.join(limits)}" if limits else ""
    with published.connect() as con:
        borne, unborne = (
            Decimal(con.execute(f"select coalesce(sum(spend_usd), 0) from {mart} {where}").fetchall()[0][0])
            for mart in ("daily_cost", "unattributed")
        )
    return borne + unborne, unborne
