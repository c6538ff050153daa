"""Lives of units and what a day's outcomes cost: only what new events or new spend touch is worked out anew."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from pipelines.ledger.scope import WORKED_OUT_WHOLE
from pipelines.outcomes.ratios import quotient
from pipelines.storage.generations import bury, coming
from pipelines.storage.models import filled, sql

#: Units whose lives are worked out at a time: what this holds in memory does not grow with a run.
AT_ONCE = 500_000
#: what of an event decides on the life of its unit
EVENT = "workflow, unit_id, event_id, event, time, day, value_usd, parent_workflow, parent_unit_id"
#: what units have more or less on days that keep their files (`pipelines.publish.segments`)
MOVES = "day date, workflow varchar, unit_id varchar, outcomes bigint, value_usd decimal(28, 12), events bigint"


def replay(con: duckdb.DuckDBPyConnection) -> None:
    """Replay the events of the touched units and collect the days whose costs change with them."""
    con.execute("insert into cost_days select day from touched_days union select day from touched_counts")
    keeps_files = isinstance(con, duckdb.DuckDBPyConnection)  # another engine writes its days whole
    if keeps_files:
        con.execute(f"create or replace temp table unit_day_moves ({MOVES})")
    for _ in by_units(con, AT_ONCE):
        con.execute(f"create or replace temp table touched_events as select {EVENT} {_touched('outcome_events')}")
        con.execute(f"insert into cost_days select distinct day {_touched('unit_changes')}")
        con.execute(f"create or replace temp table touched_changes as {sql('outcomes/unit_changes')}")
        if keeps_files:
            con.execute(f"insert into unit_day_moves {filled('outcomes/unit_day_moves', whole=WORKED_OUT_WHOLE)}")
        news = {"unit_changes": "select * from touched_changes"}
        news |= {table: sql(f"outcomes/{table}") for table in ("unit_status", "unit_parents")}
        for table, rows in news.items():
            con.execute(f"delete {_touched(table)}")
            con.execute(f"insert into {table} by name {rows}")
        con.execute(
            "insert into cost_days select day from touched_changes union select day from touched_events union "
            f"select day {_touched('allocations')}"
        )
    for table in ("touched_events", "touched_changes"):
        con.execute(f"drop table {table}")


def by_units(con: duckdb.DuckDBPyConnection, at_once: int) -> Iterator[None]:
    """`touched_units` holds some of its units at a time, and all of them again at the end. Spark takes all at once."""
    if not isinstance(con, duckdb.DuckDBPyConnection):
        yield
        return
    units = con.execute("select count(*) from touched_units").fetchall()[0][0]
    parts = max(1, -(-units // at_once))
    if parts == 1:
        yield
        return
    con.execute("create or replace temp table every_touched_unit as from touched_units")
    for part in range(parts):
        con.execute(
            "create or replace temp table touched_units as from every_touched_unit "
            f"where hash(workflow, unit_id) % {parts} = {part}"
        )
        yield
    con.execute("create or replace temp table touched_units as from every_touched_unit")
    con.execute("drop table every_touched_unit")


def _touched(table: str) -> str:
    """The rows of touched units in a table."""
    return f"from {table} where (workflow, unit_id) in (select (workflow, unit_id) from touched_units)"


def write_daily_cost(con: duckdb.DuckDBPyConnection) -> None:
    """Replace `daily_cost` on the touched days; what it said before stays in the temporary `daily_before`."""
    for model in ("failed_units", "failure_spend"):
        con.execute(f"create or replace temp table {model} as {sql(f'outcomes/{model}')}")
    con.execute(
        "create or replace temp table daily_before as select * from daily_cost where day in (select day from cost_days)"
    )
    con.execute("delete from daily_cost where day in (select day from cost_days)")
    rows = con.sql(sql("outcomes/daily_cost")).to_arrow_table()
    ratios = [
        quotient(spend, outcomes)
        for spend, outcomes in zip(rows["spend_usd"].to_pylist(), rows["outcomes"].to_pylist(), strict=True)
    ]
    rows = rows.append_column("cost_per_outcome_usd", pa.array(ratios, pa.decimal128(38, 12)))
    con.register("daily_rows", rows)
    con.execute("insert into daily_cost by name from daily_rows")
    con.unregister("daily_rows")


def write_unit_costs(con: duckdb.DuckDBPyConnection) -> None:
    """Replace the lifetime cost of every unit with new spend or new events, as the next generation."""
    generation = coming(con)
    for _ in by_units(con, AT_ONCE):
        rows = f"select *, {generation} as generation from ({sql('outcomes/unit_costs')}) as fresh"
        if isinstance(con, duckdb.DuckDBPyConnection):  # another engine writes all units anew
            con.execute(f"create or replace temp table fresh_units as {rows}")
            rows = "select * from fresh_units"
            bury(con, generation)
        con.execute(f"delete {_touched('unit_costs')}")
        con.execute(f"insert into unit_costs by name {rows}")
    con.execute("drop table if exists fresh_units")
