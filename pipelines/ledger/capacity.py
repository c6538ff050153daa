"""What fixed costs come to: shares of provisioned capacity for the requests it served, rows of their own for the rest.

The driver of the spread, per (day, capacity): what each charge would cost by list price, in whole 10^-12 dollars;
where any of them has no list price, tokens for all. Fees per use (web searches …) are not capacity and stay what the
contract says. Where a day's logs tell requests on capacity from others (tier `provisioned`), only those are served,
else the standard ones; batch, flex and priority never are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.ledger.scope import WHOLE, Scope
from pipelines.ledger.terms import Capacity, Terms
from pipelines.rates.book import RateBook
from pipelines.rates.classes import TOKEN_CLASSES
from pipelines.rates.provisioned import HOUR, day_start, hours, spread
from pipelines.sources.record import MONEY
from pipelines.storage.models import filled, literal, sql

#: SKU and reason of the idle rest
IDLE = ("provisioned_idle", "idle_capacity")
SHARES = ["request_key", "sku", "femto", "pico", "day", "name"]
#: whole 10^-12 or 10^-15 dollars, beyond what 64 bits hold
WHOLE_UNITS = pa.decimal128(26, 0)
TOKEN_SKUS = ", ".join(literal(name) for name in sorted(TOKEN_CLASSES))


@dataclass
class Borne:
    """What fixed costs come to on some days.

    `shares`: one part a (day, capacity), with the columns of `SHARES`; `standing`: (day, provider, model, sku, name,
    reason, amount); `costs`: what each served request costs in all, its fees included, in 10^-12 dollars.
    """

    shares: list[pa.Table] = field(default_factory=list)
    standing: list[tuple] = field(default_factory=list)
    costs: dict[str, int] = field(default_factory=dict)


def skus(
    days: str, called_on: str | None = None, prices: str = "prices", price_extras: str = "price_extras", *,
    requests: str = "requests",
) -> str:  # fmt: skip
    """The model of on-demand prices per SKU over some requests, named by a condition on the table `requests`.

    `called_on`: a condition on their UTC day of that name that all of these requests meet, so that no other prices are read.
    """
    only = f" where {called_on}" if called_on else ""
    prices, extras = (f"(select * from {table}{only})" for table in (prices, price_extras))
    return filled(
        "ledger/skus", days=days, requests=requests, prices=prices, price_extras=extras, token_skus=TOKEN_SKUS
    )


def charges(days: str, standing_days: str, called_on: str | None = None, scope: Scope = WHOLE) -> str:
    """The model of all charges over some requests of a scope and standing charges, each named by a condition on its table.

    `called_on`: a condition on their UTC day of that name that all of these requests meet, so that no other prices are read.
    """
    found = skus(days, called_on, **scope.tables("requests", "prices"))
    return filled(
        "ledger/charges", skus=found, days=days, requests=scope.table("requests"), standing_days=standing_days
    )


def bear(
    con: duckdb.DuckDBPyConnection, book: RateBook, terms: Mapping[date, Terms], zone: ZoneInfo,
    prices: str = "prices", price_extras: str = "price_extras",
) -> Borne:  # fmt: skip
    """Spread the capacity of these days over the requests of the ledger, as `prices` prices them on demand."""
    held = held_on(terms)
    found = Borne()
    if not held:
        return found
    serve(con, book, held)
    used = con.sql(use(prices, price_extras)).pl()
    for day, capacity in sorted(held.items()):
        today = used.filter(pl.col("day") == day)
        for one in capacity:
            spread_one(found, one, day, zone, today.filter(pl.col("name") == one.name))
    return found


def held_on(terms: Mapping[date, Terms]) -> dict[date, tuple[Capacity, ...]]:
    """The capacity of the days that have some."""
    return {day: t.capacity for day, t in terms.items() if t.capacity}


def use(prices: str = "prices", price_extras: str = "price_extras") -> str:
    """The model of what the capacity of `capacity_models` served."""
    found = skus("requests.day in (select day from capacity_models)", prices=prices, price_extras=price_extras)
    return filled("ledger/capacity_use", skus=found)


def idle_rest(one: Capacity, day: date, zone: ZoneInfo) -> int:
    """What stands idle of a capacity that served nothing, in 10^-12 dollars."""
    return spread(one.cost_usd, hours(day, zone), [], [])[1]


def _lacks_a_fee(missing: str) -> bool:
    """Whether something beside tokens has no rate: then what the request costs in all stays unknown."""
    return any("@" in part and part.partition("@")[0] not in TOKEN_CLASSES for part in missing.split(","))


def spread_one(found: Borne, one: Capacity, day: date, zone: ZoneInfo, used: pl.DataFrame) -> None:
    """Share one capacity's day among the charges of `used`, in the order of (call, SKU)."""
    unknown = [text for text in used["missing"].unique() if text is not None and _lacks_a_fee(text)]
    used = used.filter(pl.col("missing").is_null() | ~pl.col("missing").is_in(unknown))
    fees: dict[str, int] = defaultdict(int)
    for key, amount in used.filter(~pl.col("covered")).select("request_key", "pico").iter_rows():
        fees[key] += int(amount)
    used = used.filter(pl.col("covered"))
    quantities = used["quantity"].to_list()
    by_list = used["list_pico"].null_count() == 0
    weights = [int(listed) for listed in used["list_pico"]] if by_list else quantities
    began = int(day_start(day, zone).timestamp())
    at = [second // HOUR for second in (used["time"].dt.epoch("s") - began).to_list()]
    parts, idle = spread(one.cost_usd, hours(day, zone), at, weights)
    keys = used["request_key"].to_list()
    if parts:
        prices = [_femto(part, quantity) for part, quantity in zip(parts, quantities, strict=True)]
        texts = [pa.array(values, pa.string()) for values in (keys, used["sku"].to_list())]
        same = [pa.array([day] * len(keys), pa.date32()), pa.array([one.name] * len(keys), pa.string())]
        found.shares.append(
            pa.table([*texts, pa.array(prices, WHOLE_UNITS), pa.array(parts, WHOLE_UNITS), *same], names=SHARES)
        )
    for key, part in zip(keys, parts, strict=True):
        found.costs[key] = (found.costs[key] if key in found.costs else fees.get(key, 0)) + part
    if idle:
        rest = Decimal(idle).scaleb(-12)
        found.standing.append((day, one.provider, one.model, IDLE[0], one.name, IDLE[1], rest))


def _femto(pico: int, quantity: int) -> int:
    """Unit price in 10^-15 dollars, half-even."""
    price, rest = divmod(pico * 1000, quantity)
    return price + (2 * rest > quantity or (2 * rest == quantity and price % 2))


def serve(con: Any, book: RateBook, held: Mapping[date, Iterable[Capacity]]) -> None:
    """`capacity_models`: which of the logged models of a day are served by which capacity."""
    con.execute("create or replace temp table capacity_days (day date)")
    con.register("incoming_days", pa.table({"day": pa.array(sorted(held), pa.date32())}))
    con.execute("insert into capacity_days from incoming_days")
    con.unregister("incoming_days")
    rows: dict[tuple, str] = {}
    logged = con.execute(sql("ledger/capacity_candidates")).fetchall()
    for day, provider, model, region, tier in logged:
        names = book.names(provider, model, day)
        fitting = [c for c in held[day] if c.provider == provider and c.model in names and _here(c, region)]
        if fitting:
            # the closest names it: the very model as logged, then a region
            best = min(fitting, key=lambda c: (c.model != model, c.region is None, c.name))
            rows[day, provider, model, region, tier] = best.name
    told = {(day, name) for (day, _, _, _, tier), name in rows.items() if tier == "provisioned"}
    kept = [(*key, name) for key, name in rows.items() if key[4] == "provisioned" or (key[0], name) not in told]
    names = ("day", "provider", "model", "region", "service_tier", "name")
    kinds = (pa.date32(), *[pa.string()] * 5)
    columns = [pa.array([row[i] for row in kept], kind) for i, kind in enumerate(kinds)]
    con.register("incoming_models", pa.Table.from_arrays(columns, names=list(names)))
    con.execute("create or replace temp table capacity_models as from incoming_models")
    con.unregister("incoming_models")


def _here(capacity: Capacity, region: str) -> bool:
    return capacity.region is None or capacity.region.strip().lower() == region.strip().lower()


def put_shares(con: duckdb.DuckDBPyConnection, found: Borne) -> None:
    """The shares into `capacity_shares`, and temp table `served_costs`: what each served request costs."""
    costs = pa.table(
        {
            "request_key": pa.array(list(found.costs), pa.string()),
            "pico": pa.array(list(found.costs.values()), WHOLE_UNITS),
        }
    )
    con.register("incoming_costs", costs)
    con.execute(f"create or replace temp table served_costs as {sql('ledger/served_costs')}")
    con.unregister("incoming_costs")
    if found.shares:
        con.register("incoming_shares", pa.concat_tables(found.shares))
        con.execute(f"create or replace temp table served_shares as {sql('ledger/served_shares')}")
        con.unregister("incoming_shares")


def put_standing(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple]) -> None:
    """Rows of `Borne.standing` into a table like `standing_charges`."""
    names = ("day", "provider", "model", "sku", "name", "reason", "amount_usd")
    kinds = (pa.date32(), *[pa.string()] * 5, MONEY)
    columns = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(kinds)]
    con.register("incoming_standing", pa.Table.from_arrays(columns, names=list(names)))
    con.execute(f"insert into {table} by name from incoming_standing")
    con.unregister("incoming_standing")
