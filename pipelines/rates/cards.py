"""Vectorised pricing: the rate book as wide cards in DuckDB, joined to the requests by equality and validity.

Every amount is exact: decimal unit prices times whole quantities, rounded half-even once, to 12 places.
The SQL lives in `sql/rates/`; each file is one select that also runs on Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal

import duckdb
import pyarrow as pa

from pipelines.rates.blocks import Block, Price, Prices
from pipelines.rates.book import RateBook
from pipelines.rates.classes import EXCESS, EXCESS_CLASSES, INPUT_CLASSES, MAIN
from pipelines.storage import models
from pipelines.workspace.errors import OutlayError

SQL = models.sql_root() / "rates"
#: Stand-ins for "open": portable bounds of validity and of a context band.
FIRST_DAY, LAST_DAY = "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z"
NO_BOUND = 9_000_000_000_000_000_000
CARD_PRICE = pa.decimal128(22, 15)
#: Prices that need no rounding: most have 12 places or fewer, and rounding costs more than all else.
SHORT_PRICE = pa.decimal128(22, 12)
#: What the others are multiplied with: a reseller's divided prices have no end after 15 places.
LONG_PRICE = pa.decimal128(23, 22)
_SHORT_PLACES = Decimal("1e-12")
EXTRA_PRICE = pa.decimal128(24, 22)
_CARD_PLACES = Decimal("1e-15")

CARD_SCHEMA = pa.schema(
    [
        ("card_id", pa.int32()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("service_tier", pa.string()),
        ("region", pa.string()),
        ("band_over", pa.int64()),
        ("band_upto", pa.int64()),
        ("excess_over", pa.int64()),
        ("valid_from", pa.string()),
        ("valid_to", pa.string()),
        ("windowed", pa.bool_()),
        ("window_start", pa.int32()),
        ("window_end", pa.int32()),
        ("weekday_first", pa.int32()),
        ("weekday_last", pa.int32()),
        *((f"{c}_price", CARD_PRICE) for c in MAIN),
        *((f"{c}_list_price", CARD_PRICE) for c in MAIN),
        *((f"{c}_price_12", SHORT_PRICE) for c in MAIN),
        *((f"{c}_list_price_12", SHORT_PRICE) for c in MAIN),
        *((f"{c}_price_22", LONG_PRICE) for c in MAIN),
        *((f"{c}_list_price_22", LONG_PRICE) for c in MAIN),
        ("exact", pa.bool_()),
        ("contracted", pa.bool_()),
        ("rate_source", pa.string()),
    ]
)
EXTRA_SCHEMA = pa.schema(
    [
        ("card_id", pa.int32()),
        ("sku", pa.string()),
        ("unit_price", EXTRA_PRICE),
        ("list_unit_price", EXTRA_PRICE),
        ("rate_source", pa.string()),
    ]
)


def sql(name: str) -> str:
    """The text of `sql/rates/<name>.sql`."""
    return models.sql(f"rates/{name}")


def price(con: duckdb.DuckDBPyConnection, book: RateBook) -> None:
    """Prices the temp table `to_price` into `priced` (per request) and `priced_extras` (per request, sku).

    Pairs that the book does not hold yet are compiled. Sets the connection's
    time zone to UTC. Raises OutlayError if two cards cover one request.
    """
    load_cards(con, book, "to_price")
    split = con.execute("select count(*) from rate_cards where excess_over is not null").fetchall()[0][0] > 0
    if split:
        _split_excess(con)
    for table, name in (
        ("extras_to_price", "extras"),
        ("extras_found", "extras_found"),
        ("extras_total", "extras_total"),
        ("priced", "price"),
        ("priced_extras", "priced_extras"),
    ):
        con.execute(f"create or replace temp table {table} as {sql(name)}")
    if split:
        con.execute("drop table to_price")
        con.execute("alter table to_price_unsplit rename to to_price")
    requests, priced = con.execute("select (select count(*) from to_price), (select count(*) from priced)").fetchall()[
        0
    ]
    if requests != priced:
        raise OutlayError(f"pricing made {priced} rows of {requests} requests: two rate cards cover one request")


def _split_excess(con: duckdb.DuckDBPyConnection) -> None:
    """The tokens above an excess-only band as SKUs of their own; `to_price_unsplit` keeps the requests as they were."""
    con.execute(f"create or replace temp table extras_to_price as {sql('extras')}")
    con.execute(f"create or replace temp table to_price_split as {sql('excess')}")
    con.execute("alter table to_price rename to to_price_unsplit")
    con.execute("alter table to_price_split rename to to_price")


def load_cards(con: duckdb.DuckDBPyConnection, book: RateBook, requests: str) -> RateBook:
    """Temp tables `rate_cards` and `rate_extras` for every (provider, model, region) of `requests`."""
    con.execute("set TimeZone = 'UTC'")
    combos = con.execute(f"select distinct provider, model, region from {requests}").fetchall()
    book = book.including((provider, model) for provider, model, _ in combos)
    write_cards(con, cards(book, combos))
    return book


def write_cards(con: duckdb.DuckDBPyConnection, rows: Iterable[tuple[dict, list[dict]]]) -> None:
    made = [(dict(card, card_id=i), [dict(e, card_id=i) for e in extras]) for i, (card, extras) in enumerate(rows)]
    wide = pa.Table.from_pylist([card for card, _ in made], CARD_SCHEMA)
    long = pa.Table.from_pylist([e for _, extras in made for e in extras], EXTRA_SCHEMA)
    inputs = pa.table({"sku": pa.array(sorted(INPUT_CLASSES), pa.string())})
    for name, table, query in (
        ("rate_cards", wide, sql("cards")),
        ("rate_extras", long, "select * from incoming_rates"),
        ("input_skus", inputs, "select * from incoming_rates"),
    ):
        con.register("incoming_rates", table)
        con.execute(f"create or replace temp table {name} as {query}")
        con.unregister("incoming_rates")


def cards(book: RateBook, combos: Iterable[tuple[str, str, str | None]]) -> Iterator[tuple[dict, list[dict]]]:
    """(card, its extras) per (provider, model, region as logged), tier, window, validity and band."""
    for provider, model, region in sorted({(p, m, r or "") for p, m, r in combos}):
        key = book.region_key(provider, model, region)
        for block in book.blocks.get((provider, model), ()):
            if block.region == key:
                yield from _block_cards(provider, model, region, block)


def _block_cards(provider: str, model: str, region: str, block: Block) -> Iterator[tuple[dict, list[dict]]]:
    thresholds = {over for price in block.contracted.values() if price.excess for over, _ in price.bands} - {-1}
    overs = sorted(
        {over for p in block.contracted.values() if not p.excess for over, _ in p.bands} | {block.input_over}
    )
    overs = [o for o in overs if o >= block.input_over]
    if block.input_upto is not None:
        overs = [o for o in overs if o < block.input_upto]
    last = NO_BOUND if block.input_upto is None else block.input_upto
    for over, upto in zip(overs, [*overs[1:], last], strict=True):
        window = block.window
        card = {
            "provider": provider,
            "model": model,
            "service_tier": block.tier,
            "region": region,
            "band_over": over,
            "band_upto": upto,
            "excess_over": min(thresholds, default=None),
            "valid_from": f"{block.valid_from}T00:00:00Z" if block.valid_from else FIRST_DAY,
            "valid_to": f"{block.valid_to}T00:00:00Z" if block.valid_to else LAST_DAY,
            "windowed": (window.start, window.end, window.first, window.last) != (0, 86400, 1, 7),
            "window_start": window.start,
            "window_end": window.end,
            "weekday_first": window.first,
            "weekday_last": window.last,
            "contracted": block.contracted != block.listed,
            "rate_source": _sources(block.contracted),
        }
        exact = True
        for cls in MAIN:
            for key, found in (
                (f"{cls}_price", block.contracted.get(cls)),
                (f"{cls}_list_price", _list_price(block, cls)),
            ):
                each = (found.bands[0][1] if found.excess else found.at(over + 1)) if found else None
                card[f"{key}_22"] = each
                card[key] = _rounded(each, _CARD_PLACES)
                card[f"{key}_12"] = _rounded(each, _SHORT_PLACES)
                exact = exact and each == card[f"{key}_12"]
        card["exact"] = exact
        extras = [
            {
                "sku": cls,
                "unit_price": price.at(over + 1),
                "list_unit_price": block.listed[cls].at(over + 1) if cls in block.listed else None,
                "rate_source": price.source,
            }
            for cls, price in block.contracted.items()
            if cls not in MAIN
        ]
        for cls, price in block.contracted.items():
            # a class that a contract prices flat keeps its price above the threshold
            if thresholds and cls in EXCESS_CLASSES:
                listed = block.listed.get(cls)
                extras.append(
                    {
                        "sku": f"{cls}{EXCESS}",
                        "unit_price": price.bands[-1][1],
                        "list_unit_price": listed.bands[-1][1] if listed else None,
                        "rate_source": price.source,
                    }
                )
        yield card, extras


def _list_price(block: Block, cls: str) -> Price | None:
    """What the class costs without the contract; none where no list has a price for it.

    Reasoning that only the contract prices apart is listed as the output that it is.
    """
    if cls == "reasoning" and cls in block.contracted and cls not in block.listed:
        return block.listed.get("output")
    return block.listed.get(cls)


def _rounded(each: Decimal | None, places: Decimal) -> Decimal | None:
    return None if each is None else each.quantize(places, ROUND_HALF_EVEN)


def _sources(prices: Prices) -> str:
    """Where a card's prices come from: the source of its input price, then what else took part."""
    ordered = [prices[c].source for c in MAIN if c in prices] or [p.source for p in prices.values()]
    return " | ".join(dict.fromkeys(ordered))
