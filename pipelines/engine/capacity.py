"""Provisioned capacity on Spark: each (day, capacity) is spread over the requests that it served by one executor.

The arithmetic is `pipelines.ledger.capacity`'s; what comes to the driver is what stood idle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa

from pipelines.ledger.capacity import IDLE, WHOLE_UNITS, Borne, held_on, idle_rest, serve, spread_one, use
from pipelines.ledger.terms import Capacity, Terms
from pipelines.rates.book import RateBook
from pipelines.storage.models import sql

if TYPE_CHECKING:
    from pipelines.engine.ledger import SparkLedger

#: `what` is a share of a charge, the whole cost of a request, or the idle rest of a (day, capacity), in whole 10^-12 dollars
_ROWS = pa.schema(
    [
        ("what", pa.string()),
        ("request_key", pa.string()),
        ("day", pa.date32()),
        ("sku", pa.string()),
        ("femto", WHOLE_UNITS),
        ("pico", WHOLE_UNITS),
        ("name", pa.string()),
    ]
)


def bear(ledger: SparkLedger, book: RateBook, terms: Mapping[date, Terms], zone: ZoneInfo) -> list[tuple]:
    """Spread the capacity of these days; `capacity_shares` and `requests` say so afterwards.

    Answers the rows of what stood idle, as `Borne.standing`.
    """
    if not held_on(terms):
        return []
    standing = serve_days(ledger, book, terms, zone)
    ledger.execute(f"insert into capacity_shares by name {sql('ledger/served_shares')}")
    ledger.show("served_requests", ledger.written(ledger.query(sql("engine/served_requests")), "served_requests"))
    ledger.execute("delete from requests where day in (select day from touched_days)")
    ledger.execute("insert into requests by name select * from served_requests")
    return standing


def serve_days(
    ledger: SparkLedger, book: RateBook, terms: Mapping[date, Terms], zone: ZoneInfo,
    prices: str = "prices", price_extras: str = "price_extras",
) -> list[tuple]:  # fmt: skip
    """Spread the capacity of these days over the requests of the ledger, as `prices` prices them on demand: `incoming_shares`
    and `served_costs`. Answers the rows of what stood idle.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    held = held_on(terms)
    kind = from_arrow_schema(_ROWS)
    if held:
        serve(ledger, book, held)
        spread = ledger.query(use(prices, price_extras)).groupBy("day", "name").applyInArrow(_spread(held, zone), kind)
    else:
        spread = ledger.spark.createDataFrame([], kind)
    ledger.show("capacity_parts", ledger.written(spread, "capacity_parts"))
    for what, table in (("share", "incoming_shares"), ("cost", "incoming_costs")):
        ledger.show(table, ledger.query(f"select * from capacity_parts where what = '{what}'"))
    ledger.execute(f"create or replace temp table served_costs as {sql('ledger/served_costs')}")
    if not held:
        return []
    idle = ledger.execute("select day, name, cast(pico as varchar) from capacity_parts where what = 'idle'").fetchall()
    rests = {(day, name): int(pico) for day, name, pico in idle}
    standing: list[tuple] = []
    for day, capacity in sorted(held.items()):
        for one in capacity:
            rest = rests.get((day, one.name))
            rest = idle_rest(one, day, zone) if rest is None else rest  # it served nothing
            if rest:
                standing.append((day, one.provider, one.model, IDLE[0], one.name, IDLE[1], Decimal(rest).scaleb(-12)))
    return standing


def _spread(held: Mapping[date, tuple[Capacity, ...]], zone: ZoneInfo) -> Callable[[pa.Table], pa.Table]:
    def of_one(table: pa.Table) -> pa.Table:
        used = pl.from_arrow(table)
        assert isinstance(used, pl.DataFrame)
        used = used.sort("call", "sku")
        day, name = used["day"][0], used["name"][0]
        one = next(capacity for capacity in held[day] if capacity.name == name)
        found = Borne()
        spread_one(found, one, day, zone, used)
        rest = int(found.standing[0][-1].scaleb(12)) if found.standing else 0
        parts = [
            shares.append_column("what", pa.array(["share"] * len(shares), pa.string())) for shares in found.shares
        ]
        parts.append(_rows("cost", list(found.costs), list(found.costs.values()), day, name))
        parts.append(_rows("idle", [None], [rest], day, name))
        return pa.concat_tables([part.select(_ROWS.names).cast(_ROWS) for part in parts])

    return of_one


def _rows(what: str, keys: list[str | None] | list[str], pico: list[int], day: date, name: str) -> pa.Table:
    values = {"what": [what] * len(keys), "request_key": keys, "day": [day] * len(keys), "sku": [None] * len(keys),
              "femto": [None] * len(keys), "pico": [Decimal(number) for number in pico], "name": [name] * len(keys)}  # fmt: skip
    return pa.table({name: pa.array(values[name], kind) for name, kind in zip(_ROWS.names, _ROWS.types, strict=True)})
