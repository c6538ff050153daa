"""Requests as the ledger hands them to pricing, and what pricing made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.rates.book import RateBook
from pipelines.rates.cards import price

COLUMNS = pa.schema(
    [
        ("request_key", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("status", pa.string()),
        ("service_tier", pa.string()),
        ("region", pa.string()),
        *((name, pa.int64()) for name in ("input_uncached", "cache_read", "cache_write", "cache_write_long")),
        *((name, pa.int64()) for name in ("output_nonreasoning", "output_reasoning")),
        ("extras", pa.map_(pa.string(), pa.int64())),
        ("recorded_usd", pa.decimal128(28, 12)),
        ("recorded_is_estimate", pa.bool_()),
    ]
)
DEFAULTS: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-4o",
    "time": "2026-11-15T12:00:00Z",
    "status": "ok",
    "service_tier": "standard",
    "region": None,
    "input_uncached": 0,
    "cache_read": 0,
    "cache_write": 0,
    "cache_write_long": 0,
    "output_nonreasoning": 0,
    "output_reasoning": 0,
    "extras": {},
    "recorded_usd": None,
    "recorded_is_estimate": False,
}
Priced = dict[str, dict[str, Any]]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    yield connection
    connection.close()


def load(con: duckdb.DuckDBPyConnection, requests: list[dict[str, Any]], *tags: str) -> None:
    """The temp table `to_price`; request keys default to r0, r1, …; `tags` are further text columns."""
    rows: list[dict[str, Any]] = [{"request_key": f"r{i}", **DEFAULTS, **r} for i, r in enumerate(requests)]
    for row in rows:
        row["extras"] = list(row["extras"].items())
        if isinstance(row["time"], str):
            row["time"] = datetime.fromisoformat(row["time"])
    schema = pa.schema([*COLUMNS, *((tag, pa.string()) for tag in tags)])
    con.register("incoming_requests", pa.Table.from_pylist(rows, schema))
    con.execute("create or replace temp table to_price as select * from incoming_requests")
    con.unregister("incoming_requests")


@pytest.fixture
def priced(con: duckdb.DuckDBPyConnection) -> Callable[..., Priced]:
    """Prices requests and returns the rows of `priced` by request key."""

    def run(*requests: dict[str, Any], book: RateBook | None = None) -> Priced:
        load(con, list(requests))
        price(con, book or RateBook())
        return {row["request_key"]: row for row in con.sql("select * from priced").to_arrow_table().to_pylist()}

    return run


@pytest.fixture
def cost(priced: Callable[..., Priced]) -> Callable[..., Decimal | None]:
    """The cost of one request."""

    def run(book: RateBook | None = None, **request: Any) -> Decimal | None:
        return priced(request, book=book)["r0"]["cost_usd"]

    return run
