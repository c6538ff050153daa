"""The mart `commitments`: what each period of a commitment asks for, and what was spent of it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.ledger.fixed_costs import spent
from pipelines.ledger.terms import Owed, kept_terms, ledger_days, owed
from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract
from pipelines.workspace.load import Loaded

MONEY = pl.Decimal(38, 12)
SCHEMA: dict[str, Any] = {
    "name": pl.String(), "provider": pl.String(), "models": pl.String(), "first_day": pl.Date(), "last_day": pl.Date(),
    "amount_usd": MONEY, "spent_usd": MONEY, "shortfall_usd": MONEY, "status": pl.String(),
}  # fmt: skip


def commitments(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> pl.DataFrame:
    """Grain: (name, period), of the periods that reach into the ledger, the one that as-of lies in included.

    `status`: `open` (the period isn't over: `shortfall_usd` is what is still to be spent, and no cost yet), `met`,
    `unmet` (its shortfall is a charge of its last day), `not covered` (it began before the ledger: not judged).
    """
    path = loaded.config.rates.contract
    contract = read_contract(Path(loaded.path(path)) if path else None)
    book = RateBook(contract)
    span = ledger_days(con)
    rows = []
    if span:
        fixed = [o for t in kept_terms(con, loaded.config.reporting.timezone).values() for o in t.owed]
        known = {(o.name, o.last) for o in fixed}
        running = [
            owed(contract, c, start, end, span[1])
            for c in contract.commitments
            for start, end in c.periods(span[1] + timedelta(days=1))
            if end > span[1] and (c.name, end - timedelta(days=1)) not in known
        ]
        rows = [_row(con, book, o, span) for o in (*fixed, *running)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("name", "first_day")


def _row(con: duckdb.DuckDBPyConnection, book: RateBook, o: Owed, span: tuple[date, date]) -> tuple:
    used = spent(con, book, o)
    missing = max(o.amount_usd - used, Decimal(0))
    status = "not covered" if o.first < span[0] else "open" if o.last >= span[1] else "unmet" if missing else "met"
    return (o.name, o.provider, ", ".join(o.models), o.first, o.last, o.amount_usd, used, missing, status)
