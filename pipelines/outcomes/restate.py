"""Published figures that a later run changed: each leaves a row, so that nothing moves silently."""

from __future__ import annotations

from datetime import date

import duckdb

from pipelines.storage.models import literal, sql


def restate(con: duckdb.DuckDBPyConnection, cause: str, published_until: date | None, held: bool) -> None:
    """Compare `daily_cost` with what was published; `held`: the ledger that a full rebuild replaces is attached
    under that name and holds what was published.

    Grain of a restatement: (published day, workflow) whose spend, counts or cost per outcome changed. What failure
    spend says follows the units' status and is no restatement.
    """
    if held:
        con.execute("create or replace temp table daily_before as select * from held.daily_cost")
        con.execute("insert into restatements select * from held.restatements")
        con.execute("insert into cost_days select distinct day from held.daily_cost")
    if published_until is None:
        return
    text = sql("outcomes/restatements").replace("$cause", literal(cause))
    con.execute(f"insert into restatements by name {text}", {"published_until": published_until})
