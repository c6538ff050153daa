"""Costs of units as immutable files: a run writes the rows that it changed, and merges files now and then.

One row per unit ever seen is more than a daily run may copy. So each run's rows are a generation, and a file holds the
rows of some generations in a row; what a newer file says of a unit replaces what older ones say. A unit that is no more
has a tombstone there, which goes when the oldest file is rewritten.

Files are merged by the logarithmic method (Bentley and Saxe, Decomposable searching problems I, 1980; with tombstones
it is the log-structured merge tree of O'Neil and others, 1996): where the files newer than one hold half as many rows
as it does, or more, they become one with it. A file thus has more than twice the rows of all newer ones together, so
there are at most 1 + log3(units) of them, and a row is written once a level. Rows count while they are in force.

The ledger holds every row in force with its generation, so merging reads no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipelines.storage.lake import PACKED
from pipelines.storage.models import filled, literal

TABLE = "outcome_cost"
#: the columns of the mart, as its files have them beside `generation` and `tombstone`
COLUMNS = {
    "workflow": "varchar", "unit": "varchar", "unit_id": "varchar", "status": "varchar", "first_request": "timestamptz",
    "outcome_day": "date", "attempts": "bigint", "requests": "bigint", "spend_usd": "decimal(38, 12)",
    "value_usd": "decimal(38, 12)",
}  # fmt: skip
#: rows of a file that a reader takes or passes over together, by the least and the greatest unit among them
GROUP = 40_960


def coming(con: Any) -> int:
    """The generation of the rows that are written next: it is in no file yet."""
    return con.execute("select coalesce(max(highest), 0) + 1 from unit_generations").fetchall()[0][0]


def bury(con: duckdb.DuckDBPyConnection, generation: int) -> None:
    """Before `fresh_units` replace the `touched_units` in `unit_costs`: those that do not come back get a tombstone."""
    con.execute(
        "delete from unit_tombstones where (workflow, unit_id) in (select (workflow, unit_id) from fresh_units)"
    )
    con.execute(
        f"insert into unit_tombstones by name select workflow, unit_id, {generation} as generation from unit_costs "
        "semi join touched_units using (workflow, unit_id) anti join fresh_units using (workflow, unit_id)"
    )


def write(con: duckdb.DuckDBPyConnection, home: Path, run_id: str) -> None:
    """One file of what changed since the last one, merged with as many older ones as the rule asks for; none if nothing did.

    `unit_generations` names the files in force afterwards.
    """
    files = con.execute("select lowest, highest from unit_generations order by lowest").fetchall()
    counted = con.execute(
        "select coalesce(generation, 0) as of, count(*) from (select generation from unit_costs union all "
        "select generation from unit_tombstones) group by of"
    ).fetchall()
    held = [sum(rows for of, rows in counted if lowest <= of <= highest) for lowest, highest in files]
    fresh = sum(rows for _, rows in counted) - sum(held)
    if not fresh:
        return
    first = merged_from(held, fresh)
    upto = coming(con)
    since = files[first][0] if first < len(files) else upto if files else 0
    whole = since == 0
    if whole:
        con.execute("delete from unit_tombstones")
    con.execute(f"delete from unit_generations where lowest >= {since}")
    if whole and not con.execute("select 1 from unit_costs limit 1").fetchall():
        return
    file = path(home, upto, run_id)
    rows = filled("publish/outcome_cost_since", changed="true" if whole else f"generation >= {since}")
    con.execute(f"copy ({rows}) to {literal(str(file))} ({PACKED}, row_group_size {GROUP})")
    con.execute("insert into unit_generations values (?, ?, ?)", [since, upto, file.name])


def merged_from(held: Sequence[int], fresh: int) -> int:
    """Which of the files, oldest first, is the first to become one with the fresh rows; their number if none does.

    `held` and `fresh` count rows.
    """
    newer = sum(held) + fresh
    for place, rows in enumerate(held):
        newer -= rows
        if 2 * newer >= rows:
            return place
    return len(held)


def replace_all(con: Any, upto: int, file: Path | None) -> None:
    """Name one file, or none, as all that is in force: an engine that works out every unit writes it so."""
    con.execute("delete from unit_generations")
    if file is not None:
        con.execute("insert into unit_generations values (?, ?, ?)", [0, upto, file.name])


def in_force(con: Any) -> list[str]:
    """Names of the files in force, oldest first."""
    return [file for (file,) in con.execute("select file from unit_generations order by lowest").fetchall()]


def path(home: Path, upto: int, run_id: str) -> Path:
    """Where a run puts its file: no two runs write one name."""
    [file] = paths(home, [f"{upto:09}-{run_id}.parquet"])
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def paths(home: Path, names: Iterable[str]) -> list[Path]:
    """Where the files of these names lie."""
    return [home / "segments" / TABLE / name for name in names]


def relation(files: Sequence[Path]) -> str:
    """A query for the mart's rows, those in force, from its files, oldest first. Grain: one (workflow, unit)."""
    if not files:
        return f"select {', '.join(f'null::{kind} as {name}' for name, kind in COLUMNS.items())} where false"
    names = [literal(str(file)) for file in files]
    parts = []
    for place, name in enumerate(names):
        newer = ", ".join(names[place + 1 :])
        replaced = (
            f"anti join (select workflow, unit_id from read_parquet([{newer}])) as newer using (workflow, unit_id)"
        )
        parts.append(
            f"select {', '.join(COLUMNS)} from read_parquet([{name}]) {replaced if newer else ''} where not tombstone"
        )
    return " union all ".join(parts)


def one_unit(files: str) -> str:
    """A query for the row of one unit, `$workflow` and `$unit_id`, if it has one; `files`: what `read_parquet` is given."""
    return (
        f"select {', '.join(COLUMNS)} from (select *, max(generation) over () as newest from read_parquet({files}) "
        "where workflow = $workflow and unit_id = $unit_id) where generation = newest and not tombstone"
    )
