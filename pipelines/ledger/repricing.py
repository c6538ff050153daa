"""What today's rates and contract would move of what was charged: shown before it moves, and moved by `run --full`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from pipelines.ledger.build import rate_book
from pipelines.ledger.capacity import bear, put_shares, put_standing
from pipelines.ledger.fixed_costs import Spread, over, shortfall, spent
from pipelines.ledger.terms import Terms, decide, ledger_days
from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from pipelines.rates.provisioned import days
from pipelines.storage.ledger import one_engine, setting, settled
from pipelines.storage.lock import run_lock
from pipelines.storage.models import sql
from pipelines.workspace.errors import NothingPublished
from pipelines.workspace.load import Loaded


def rates_diff(loaded: Loaded, wait_s: float = 60.0) -> dict[str, Any]:
    """Days and models whose charges differ under the rates and contract as they are now; writes nothing.

    Grain of `moves`: (day, provider, model). `before_usd` is what was charged, `after_usd` what the present book and
    contract give, idle capacity and unmet commitments included; both skip unpriced requests, whose counts stand
    beside. Raises NothingPublished before the first run, OutlayError where another engine filled the ledger.
    """
    file = loaded.home / "ledger.duckdb"
    if not file.is_file():
        raise NothingPublished
    engine: Any = import_module("pipelines.engine.looking") if loaded.config.engine.kind == "spark" else None
    with run_lock(loaded.home, wait_s), engine.looking(loaded, file) if engine else _looking(file) as con:
        book = rate_book(con, loaded)
        con.execute(f"create temp table to_price as {sql('ledger/all_to_price')}")
        con.execute("create temp table charged as select request_key, provider, model, day, cost_usd from requests")
        price(con, book)
        _fixed_costs_now(con, book, loaded, engine.serve_now if engine else _serve_now)
        rows = [*con.sql(sql("rates/moved")).pl().to_dicts(), *con.sql(sql("ledger/moved_standing")).pl().to_dicts()]
        last = setting(con, "rate_book")
    return {"last_run_with": last, "present": book.version, "moves": [_texts(row) for row in _merged(rows)]}


@contextmanager
def _looking(file: Path) -> Generator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(settled(file)), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        one_engine(con, "duckdb")
        yield con


def _serve_now(con: Any, book: RateBook, terms: dict[date, Terms], zone: ZoneInfo) -> list[tuple]:
    found = bear(con, book, terms, zone, "prices_now", "extras_now")
    put_shares(con, found)
    return found.standing


def _fixed_costs_now(con: Any, book: RateBook, loaded: Loaded, serve: Spread) -> None:
    """Temp table `standing_now`, and the cost of what capacity serves in `priced`: all days under this contract."""
    for table, priced in (("prices_now", "priced"), ("extras_now", "priced_extras")):
        con.execute(
            f"create temp table {table} as select {priced}.*, requests.payload from {priced} "
            "inner join requests using (request_key)"
        )
    con.execute("create temp table standing_now as select * from standing_charges where false")
    span, zone = ledger_days(con), loaded.config.reporting.zone
    terms: dict[date, Terms] = decide(book.contract, days(*span), zone) if span else {}
    standing = serve(con, book, terms, zone)
    con.execute(f"create temp table costs_now as {sql('ledger/costs_now')}")
    con.execute("drop table priced")
    con.execute("alter table costs_now rename to priced")
    put_standing(con, "standing_now", standing)
    con.execute(
        "create temp table requests_now as select requests.day, requests.provider, requests.model, priced.cost_usd "
        "from requests inner join priced using (request_key)"
    )
    owing = (shortfall(owed, spent(con, book, owed, "requests_now", "standing_now")) for owed in over(terms, span))
    put_standing(con, "standing_now", [row for row in owing if row])


def _merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a (day, provider, model): requests and fixed costs together."""
    found: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        key = (row["day"], row["provider"], row["model"])
        have = found.setdefault(key, row)
        if have is not row:
            for name, value in row.items():
                if isinstance(value, int | Decimal):
                    have[name] = value + (have[name] or 0)
    return [found[key] for key in sorted(found)]


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {
        k: v if v is None or isinstance(v, int | str) else format(v, "f") if k.endswith("_usd") else str(v)
        for k, v in row.items()
    }
