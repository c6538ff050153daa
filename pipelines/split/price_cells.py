"""The requests of each day as cells that any candidate's rates price alike: what the split prices elsewhere.

They are kept in the ledger and made anew for touched days, so that a run doesn't read the whole period's requests.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import duckdb

from pipelines.ledger.scope import in_passes, keep
from pipelines.rates.book import Pair, RateBook
from pipelines.rates.reprice import alike
from pipelines.storage.days import days_to_redo
from pipelines.storage.models import filled, literal, sql

#: raised where a cell means something else than before: all days are made anew
METHOD = "1"


def period_cells(con: duckdb.DuckDBPyConnection, book: RateBook, listed: list[Pair], first: date, last: date) -> None:
    """Temp tables `cells_to_price` and `to_price` of a period, from `price_cells` brought up to the ledger.

    Which requests are alike hangs on the context bands of the listed models and on the strata that evaluations name:
    when those change, every day is made anew.
    """
    text = alike(book, listed, "day")
    strata = con.execute("select distinct stratum from evaluations where wins order by 1").fetchall()
    version = f"{METHOD} {sha256(repr((text, strata)).encode()).hexdigest()[:16]}"
    anew = days_to_redo(con, "price_cells", version, "price_touched", ("price_cells",))
    con.execute("set TimeZone = 'UTC'")
    for scope in in_passes(con, "price_touched", anew=anew):
        live = filled("split/live_requests", **scope.tables("requests", "records"))
        con.execute(f"create or replace temp table to_price as {live}")
        keep(con, scope, "price_cells", text)
    period = sql("split/period_cells").replace("$first_day", literal(f"{first}")).replace("$as_of", literal(f"{last}"))
    con.execute(f"create or replace temp table cells_to_price as {period}")
    con.execute("create or replace temp table to_price as select * from cells_to_price")
