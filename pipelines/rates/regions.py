"""Where a model would serve requests that ran on another one: the region whose prices a comparison takes.

A workflow may say which regions its requests may run in. Then a candidate is priced there: where the request ran if
that is one of them, else in the first of them that has a price. Without such a limit it is priced where the request
ran, or, with another provider, whose regions have other names, at that provider's standard price. What no rate covers
has no place, and no price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from pipelines.rates.blocks import REGION_SEPARATOR
from pipelines.rates.book import Pair, RateBook

SCHEMA = dict.fromkeys(("workflow", "from_provider", "from_region", "provider", "model", "region"), pl.String())


def served_in(
    book: RateBook, candidate: Pair, provider: str | None, region: str | None, allowed: Sequence[str]
) -> str | None:
    """The region in which `candidate` serves what ran on `provider` in `region`: "" standard, None nowhere.

    `allowed`: the workflow's regions, in the order of their preference; `eu` allows `eu` and `eu-west-1`. The
    candidate must be compiled in `book`.
    """
    own = (region or "").strip().lower()
    if not allowed:
        if _priced(book, candidate, own):
            return own
        return None if provider == candidate[0] else ""
    if own and any(_within(own, one) for one in allowed) and _priced(book, candidate, own):
        return own
    known = {r for b in book.blocks.get(candidate, ()) for r in b.region.split(REGION_SEPARATOR) if "*" not in r}
    for one in allowed:
        for name in (one, *sorted(r for r in known if _within(r, one))):
            if _priced(book, candidate, name):
                return name
    return None


def places(
    con: duckdb.DuckDBPyConnection, book: RateBook, candidates: Sequence[Pair], allowed: Mapping[str, Sequence[str]]
) -> pl.DataFrame:
    """Grain: (workflow, provider and region that served it, candidate) of the requests in `to_price`.

    `region` is null where the candidate has no place. The candidates must be compiled in `book`.
    """
    ran = con.execute(
        "select distinct coalesce(workflow, ''), provider, coalesce(region, '') from to_price order by 1, 2, 3"
    ).fetchall()
    rows = [
        (workflow, provider, region, *one, served_in(book, one, provider, region, allowed.get(workflow, ())))
        for workflow, provider, region in ran
        for one in candidates
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _within(region: str, allowed: str) -> bool:
    return region == allowed or region.startswith(f"{allowed}-")


def _priced(book: RateBook, pair: Pair, region: str) -> bool:
    key = book.region_key(*pair, region)
    return key is not None and any(block.region == key for block in book.blocks.get(pair, ()))
