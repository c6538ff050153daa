"""Segments: immutable Parquet files of what a published set tells by day, one for each day and change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.ledger.capacity import charges
from pipelines.ledger.scope import PIECES, WHOLE, WORKED_OUT_WHOLE, Scope, came_late
from pipelines.storage import generations
from pipelines.storage.days import called_between
from pipelines.storage.lake import PACKED
from pipelines.storage.models import filled, literal

SEGMENTS = ("requests", "charges", "unit_days")
#: rows of a segment that a reader takes or passes over together, by the least and the greatest unit among them
GROUP = 20_480


def write_segments(con: duckdb.DuckDBPyConnection, home: Path, run_id: str, *, anew: bool) -> None:
    """New immutable files for the touched days and units; the ledger names the ones in force.

    A day that only late requests came to keeps its files, beside one that holds these; so does a day on which units
    otherwise changed. `anew`: no day keeps any.
    """
    generations.write(con, home, run_id)
    late = {day for (day,) in con.execute("select day from late_days").fetchall()}
    holders = {"requests": ["request_cells"], "charges": ["request_cells", "standing_charges"]}
    for table, held_by in holders.items():
        held = " or ".join(f"day in (select day from {holder})" for holder in held_by)
        days = con.execute(f"select distinct day from touched_days where {held} order by day").fetchall()
        con.execute(f"delete from segments where name = $table and {WORKED_OUT_WHOLE}", {"table": table})
        for (day,) in days:
            scope = Scope("late_days", run_id) if day in late else WHOLE
            _write_segment(con, home, run_id, table, day, _segment_model(table, day, scope))
    _write_unit_days(con, home, run_id, anew=anew)


def _write_unit_days(con: duckdb.DuckDBPyConnection, home: Path, run_id: str, *, anew: bool) -> None:
    """What units cost on the days of `cost_days`: a day that was not worked out whole gets a file of what is added to it."""
    in_pieces = f"select day from segments where name = 'unit_days' group by day having count(*) < {PIECES}"
    con.execute(
        "create or replace temp table unit_days_anew as select distinct day from cost_days "
        f"where {anew} or ({WORKED_OUT_WHOLE}) or day not in ({in_pieces})"
    )
    con.execute("delete from segments where name = 'unit_days' and day in (select day from unit_days_anew)")
    added = filled("publish/added_unit_days", late=came_late("allocations"))
    con.execute(f"create or replace temp table added_unit_days as {added}")
    days = "select day from unit_days_anew where day in (select day from daily_cost) order by day"
    for (day,) in con.execute(days).fetchall():
        _write_segment(con, home, run_id, "unit_days", day, filled("publish/unit_days", days=f"day = date '{day}'"))
    for (day,) in con.execute("select distinct day from added_unit_days order by day").fetchall():
        rows = f"select * from added_unit_days where day = date '{day}'"
        _write_segment(con, home, run_id, "unit_days", day, rows)
    con.execute("drop table added_unit_days")


def _write_segment(con: duckdb.DuckDBPyConnection, home: Path, run_id: str, table: str, day: date, rows: str) -> None:
    folder = home / "segments" / table
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{day.isoformat()}-{run_id}.parquet"
    con.execute(f"copy ({rows}) to {literal(str(folder / file))} ({PACKED}, row_group_size {GROUP})")
    con.execute("insert into segments values (?, ?, ?)", [table, day, file])


def _segment_model(table: str, day: date, scope: Scope) -> str:
    """Of one day's `requests` or `charges`: all of it, or what the late requests of the scope add."""
    days = f"day = date '{day}'"
    wanted = f"requests.{days}"
    if table == "charges":
        found = charges(wanted, "false" if scope.late else days, called_between(day, day), scope)
        return filled("publish/charges", charges=found)
    return filled("publish/requests", days=days, counted=wanted, **scope.tables("requests", "request_dimensions"))
