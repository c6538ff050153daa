"""The marts `reconciliation` and `reconciliation_daily`: billed = metered + Σ items, to the last unit.

Grain: one row per (period, provider, account, item); billed and metered are repeated. A period without any difference
has one row without an item. `metered_usd` is all that the ledger holds of the provider in the reporting zone's period,
fixed costs included; bills are by UTC day, and what lies between the two is `day cut`.

Status, of each (month, provider, account): `open` (the month isn't over, a page of the bill is missing, or the ledger
goes on after the last billed day), `red` (what stays unexplained is above both thresholds of `close:`), `reconciled`, or
`no bill`. A day has the status of its month. Days are listed where the bill tells days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.close.bills import Bill, month_days, read_bills
from pipelines.close.cells import DAY_CUT, ITEMS, UNEXPLAINED, add
from pipelines.close.compare import Compared, Comparison
from pipelines.close.doubles import overlapping
from pipelines.close.lines import PICO
from pipelines.close.metered import Metered, read_metered
from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract
from pipelines.workspace.closing import Close
from pipelines.workspace.load import Loaded

MONEY = pl.Decimal(38, 12)
SCHEMA: dict[str, Any] = {
    "period": pl.String(), "provider": pl.String(), "account": pl.String(), "billed_usd": MONEY, "metered_usd": MONEY,
    "item": pl.String(), "amount_usd": MONEY, "status": pl.String(), "source": pl.String(), "note": pl.String(),
}  # fmt: skip
OPEN, RED, RECONCILED, NO_BILL = "open", "red", "reconciled", "no bill"


@dataclass
class Reconciled:
    """Rows of both marts, and what no log holds: (month, provider, the bill's account, its key, how that is known, 10^-12
    dollars)."""

    months: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    unseen: list[tuple[str, str, str, str, str, int]] = field(default_factory=list)
    bills: dict[tuple[str, str], Bill] = field(default_factory=dict)

    def frames(self) -> dict[str, pl.DataFrame]:
        return {
            "reconciliation": pl.DataFrame(self.months, schema=SCHEMA),
            "reconciliation_daily": pl.DataFrame(self.days, schema=SCHEMA),
        }


def reconcile(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> Reconciled:
    """Every month of every provider with a bill or with spend."""
    contract = loaded.config.rates.contract
    book = RateBook(read_contract(None if contract is None else loaded.root / contract))
    known = frozenset(
        row[0] for row in con.execute("select distinct model_key from requests where model_key is not null").fetchall()
    )
    bills = read_bills(con, book.canonical, known)
    metered = read_metered(con, book.canonical)
    suspected = con.sql("select day, subject, size from overlapping_sources").pl().to_dicts() if bills else []
    made = Reconciled(bills=bills)
    accounts = _accounts_told(bills, metered)
    spend = _months(metered)
    for provider, month in sorted({*bills, *spend}):
        bill = bills.get((provider, month))
        if bill is None:
            made.months.append(
                _row(month, provider, "", None, spend[provider, month], None, 0, NO_BILL, None, "no bill of this month")
            )
            continue
        told = provider in accounts
        found = Comparison(bill, metered, told, overlapping(suspected, provider)).run()
        made.unseen += [(month, provider, *one) for one in found.unseen]
        statuses = _write_months(made, bill, metered, found, told, as_of, loaded.config.close)
        if bill.by_day:
            _write_days(made, bill, metered, found, told, statuses)
    return made


def _accounts_told(bills: Mapping[tuple[str, str], Bill], metered: Metered) -> set[str]:
    """Providers whose accounts the ledger knows by the bill's own names."""
    return {
        provider
        for (provider, _), bill in bills.items()
        if metered.accounts(provider) & {line.account for line in bill.lines if line.account}
    }


def _months(metered: Metered) -> dict[tuple[str, str], int]:
    spend: dict[tuple[str, str], int] = defaultdict(int)
    for provider, days in metered.days.items():
        for day, _, _, usd, _ in days:
            spend[provider, f"{day:%Y-%m}"] += usd
    return {key: usd for key, usd in spend.items() if usd}


def _write_months(
    made: Reconciled, bill: Bill, metered: Metered, found: Compared, told: bool, as_of: date, asked: Close
) -> dict[str, str]:
    first, last = bill.window()
    zone: dict[str, int] = defaultdict(int)
    utc: dict[str, int] = defaultdict(int)
    for day, utc_day, account, usd, _ in metered.days.get(bill.provider, ()):
        name = account if told else ""
        if f"{day:%Y-%m}" == bill.month:
            zone[name] += usd
        if first <= utc_day <= last:
            utc[name] += usd
    billed: dict[str, int] = defaultdict(int)
    for line in bill.lines:
        billed[line.account if told else ""] += line.amount
    is_open = _open(bill, metered, as_of)
    statuses = {}
    for account in sorted({*zone, *utc, *billed}):
        items = dict(found.month.get(account, {}))
        add(items, {DAY_CUT: utc[account] - zone[account]})
        add(items, {UNEXPLAINED: billed[account] - zone[account] - sum(items.values())})
        statuses[account] = OPEN if is_open else _judged(items.get(UNEXPLAINED, 0), billed[account], asked)
        own = found.elsewhere.get(account, 0)
        made.months += _rows(bill, bill.month, account, billed[account], zone[account], items, statuses[account], own)
    return statuses


def _write_days(
    made: Reconciled, bill: Bill, metered: Metered, found: Compared, told: bool, statuses: Mapping[str, str]
) -> None:
    zone: dict[tuple[date, str], int] = defaultdict(int)
    utc: dict[tuple[date, str], int] = defaultdict(int)
    billed: dict[tuple[date, str], int] = defaultdict(int)
    for day, utc_day, account, usd, _ in metered.days.get(bill.provider, ()):
        zone[day, account if told else ""] += usd
        utc[utc_day, account if told else ""] += usd
    for line in bill.lines:
        billed[line.day, line.account if told else ""] += line.amount
    first, last = month_days(bill.month)
    for day, account in sorted({*zone, *utc, *billed}):
        if not first <= day <= last:
            continue
        items = dict(found.days.get((day, account), {}))
        sums = billed[day, account], zone[day, account]
        add(items, {DAY_CUT: utc[day, account] - sums[1]})
        add(items, {UNEXPLAINED: sums[0] - sums[1] - sum(items.values())})
        made.days += _rows(bill, day.isoformat(), account, *sums, items, statuses.get(account, OPEN))


def _open(bill: Bill, metered: Metered, as_of: date) -> bool:
    _, last = month_days(bill.month)
    billed_until = max(line.last_day for line in bill.lines)
    if as_of < last or (as_of == last and billed_until < last) or any(line.incomplete for line in bill.lines):
        return True
    spent = [utc for _, utc, _, usd, _ in metered.days.get(bill.provider, ()) if usd and utc <= last]
    return billed_until < max(spent, default=billed_until)


def _judged(unexplained: int, billed: int, asked: Close) -> str:
    limit = max(Decimal(str(asked.threshold_share)) * abs(billed), asked.threshold_usd * PICO)
    return RED if abs(unexplained) > limit else RECONCILED


def _rows(
    bill: Bill,
    period: str,
    account: str,
    billed: int,
    metered: int,
    items: Mapping[str, int],
    status: str,
    own_keys: int = 0,
) -> Iterator[dict[str, Any]]:
    others = ", ".join(f"{name} says {_usd(amount):,.2f}" for name, amount in bill.others)
    notes = [f"not added: {others}"] if others else []
    if own_keys:
        notes.append(f"{_usd(own_keys):,.2f} of what is not billed the providers of your own keys bill")
    note = "; ".join(notes) or None
    shown = [(name, items[name]) for name in ITEMS if items.get(name)] or [(None, 0)]
    for name, amount in shown:
        yield _row(period, bill.provider, account, billed, metered, name, amount, status, bill.source, note)


def _row(
    period: str, provider: str, account: str, billed: int | None, metered: int, item: str | None, amount: int,
    status: str, source: str | None, note: str | None,
) -> dict[str, Any]:  # fmt: skip
    money = (None if billed is None else _usd(billed), _usd(metered))
    values = (period, provider, account or None, *money, item, _usd(amount), status, source, note)
    return dict(zip(SCHEMA, values, strict=True))


def _usd(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-12)
