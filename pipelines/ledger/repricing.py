"""What today's rate book would move of what was charged: shown before it moves, and moved only by `run --full`."""

from __future__ import annotations

from typing import Any

import duckdb

from pipelines.ledger.build import rate_book
from pipelines.rates.change import would_move
from pipelines.storage.ledger import setting
from pipelines.storage.lock import run_lock
from pipelines.storage.models import sql
from pipelines.workspace.errors import NothingPublished
from pipelines.workspace.load import Loaded


def rates_diff(loaded: Loaded, wait_s: float = 60.0) -> dict[str, Any]:
    """Days and models whose charges differ under the rates as they are now; writes nothing.

    Grain of `moves`: (day, provider, model). `before_usd` is what was charged, `after_usd` what the present book
    gives; both skip unpriced requests, whose counts stand beside. Raises NothingPublished before the first run.
    """
    file = loaded.home / "ledger.duckdb"
    if not file.is_file():
        raise NothingPublished
    with run_lock(loaded.home, wait_s), duckdb.connect(str(file), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        book = rate_book(con, loaded)
        con.execute(f"create temp table to_price as {sql('ledger/all_to_price')}")
        con.execute("create temp table charged as select request_key, provider, model, day, cost_usd from requests")
        moves = would_move(con, book)
        last = setting(con, "rate_book")
    return {"last_run_with": last, "present": book.version, "moves": [_texts(row) for row in moves.to_dicts()]}


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {
        k: v if v is None or isinstance(v, int | str) else format(v, "f") if k.endswith("_usd") else str(v)
        for k, v in row.items()
    }
