"""What requests would have cost on other models: the same quantities, days and service tiers, at those models' rates."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import polars as pl

from pipelines.rates.blocks import DAY
from pipelines.rates.book import RateBook
from pipelines.rates.cards import cards, sql, write_cards
from pipelines.rates.regions import places
from pipelines.storage.models import filled


def reprice(
    con: duckdb.DuckDBPyConnection,
    book: RateBook,
    models: Iterable[tuple[str, str]],
    where: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """What the requests of `to_price` (here with `workflow` and `task_type`) would have cost on `models`.

    Grain: (workflow, task_type, provider, model); `spend_usd` is null where the model lacks a rate that
    the traffic needs. The same quantities, days and service tiers; a tier that the model does not offer
    (that day, or for so long a prompt) is taken as standard, and cached tokens as input where it has no
    price for them. `where`: the region of each, as `regions.places` tells it; without, as no workflow limits it.
    """
    pairs = list(dict.fromkeys(models))
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"create or replace temp table cells_to_price as {alike(book, pairs, 'cast(time as date)')}")
    return reprice_cells(con, book, pairs, where)


def reprice_cells(
    con: duckdb.DuckDBPyConnection,
    book: RateBook,
    models: Iterable[tuple[str, str]],
    where: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """As `reprice`, of requests that `alike` added up: `cells_to_price`. `to_price` then needs those with fees only."""
    con.execute("set TimeZone = 'UTC'")
    pairs = list(dict.fromkeys(models))
    book = book.including(pairs)
    where = places(con, book, pairs, {}) if where is None else where
    placed = where.select("provider", "model", "region").drop_nulls().unique()
    write_cards(con, cards(book, placed.iter_rows()))
    con.execute(f"create or replace temp table extras_to_price as {sql('extras')}")
    con.register("incoming_rates", where.to_arrow())
    con.execute("create or replace temp table candidates as select * from incoming_rates")
    con.unregister("incoming_rates")
    return con.sql(sql("reprice")).pl().sort("workflow", "task_type", "provider", "model", nulls_last=True)


def alike(book: RateBook, models: Iterable[tuple[str, str]], day: str) -> str:
    """SQL that adds up the requests of `to_price` that every card of the models prices alike. `day`: SQL for a row's day."""
    pairs = list(dict.fromkeys(models))
    blocks = [block for pair in pairs for block in book.including(pairs).blocks.get(pair, ())]
    bounds = {over for block in blocks for price in block.contracted.values() for over, _ in price.bands}
    bounds |= {bound for block in blocks for bound in (block.input_over, block.input_upto) if bound is not None}
    hours = {hour for block in blocks for hour in (block.window.start, block.window.end) if 0 < hour < DAY}
    second = "extract(hour from time) * 3600 + extract(minute from time) * 60 + extract(second from time)"
    return filled(
        "split/alike", day=day, band=_steps("prompt_tokens <= {}", bounds), window=_steps(f"{second} < {{}}", hours)
    )


def _steps(below: str, bounds: Iterable[int]) -> str:
    """SQL for the place of the first of the bounds that a value is below."""
    ordered = sorted(bounds)
    steps = " ".join(f"when {below.format(bound)} then {at}" for at, bound in enumerate(ordered))
    return f"case {steps} else {len(ordered)} end" if steps else "0"
