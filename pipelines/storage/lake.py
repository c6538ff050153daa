"""The lake: every distinct record as it was read, as Parquet partitioned by the UTC day of the record.

Files are written once, named for their run, and belong to the lake only when the run's transaction that registers
them commits; what an interrupted run left behind is swept away by the next one.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from pipelines.storage.models import literal

#: Rows of so few days are written day by day: partitioning them holds all of them in memory.
_DAYS_APART = 100
#: Rows that are held in memory until they are written.
_GROUP = 40_960
#: How Parquet files are packed: the higher levels of zstd cost a third more to write and save nothing.
PACKED = "format parquet, compression zstd, compression_level 1"
TABLES = ("requests", "spans", "outcomes", "evaluations", "scores")


def add(con: duckdb.DuckDBPyConnection, lake: Path, table: str, relation: str, run_id: str) -> None:
    """Write the rows of `relation` (they need a `time`) under `lake/<table>/utc_day=…/` and register the files."""
    if not con.execute(f"select 1 from {relation} limit 1").fetchall():
        return
    folder = lake / table
    folder.mkdir(parents=True, exist_ok=True)
    days = con.execute(f"select distinct cast(time as date) as utc_day from {relation}").fetchall()
    if len(days) <= _DAYS_APART:
        for (day,) in days:
            (folder / f"utc_day={day}").mkdir(exist_ok=True)
            file = folder / f"utc_day={day}" / f"{run_id}-0.parquet"
            con.execute(
                f"copy (select * from {relation} where time >= timestamptz '{day} 00:00:00+00' "
                f"and time < timestamptz '{day} 00:00:00+00' + interval 1 day) "
                f"to {literal(str(file))} ({PACKED}, row_group_size {_GROUP})"
            )
    else:
        con.execute(
            f"copy (select *, cast(time as date) as utc_day from {relation}) "
            f"to {literal(str(folder))} ({PACKED}, row_group_size {_GROUP}, partition_by (utc_day), "
            f"filename_pattern '{run_id}-{{i}}', overwrite_or_ignore)"
        )
    written = [(str(p.relative_to(lake)), run_id) for p in sorted(folder.glob(f"utc_day=*/{run_id}-*.parquet"))]
    con.executemany("insert into lake_files values (?, ?)", written)


def pattern(lake: Path, table: str) -> str:
    """Glob of one table's files."""
    return str(lake / table / "utc_day=*" / "*.parquet")


def sweep(con: duckdb.DuckDBPyConnection, lake: Path) -> int:
    """Delete the files of runs that never committed; answers how many there were."""
    known = {row[0] for row in con.execute("select file from lake_files").fetchall()}
    gone = 0
    for file in lake.glob("*/utc_day=*/*.parquet"):
        if str(file.relative_to(lake)) not in known:
            os.unlink(file)
            gone += 1
    return gone
