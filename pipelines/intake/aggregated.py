"""Intake of aggregated sources: provider reports, bills, invoices, outcome counts. They reconcile or count outcomes
per day, and never add to what requests cost.

Every row that a file says is kept, and `wins` marks those that count: a pure function of the files, so that order,
number of runs and repetition change nothing. For every file: read = stored + duplicate + superseded + quarantined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial

import duckdb

from pipelines.intake.counts import FileCounts, Intake
from pipelines.intake.discover import Found, discover
from pipelines.intake.figures import SCHEMAS, Rows
from pipelines.intake.manifest import Due, Manifest, Rejected
from pipelines.intake.renamed import refuse_renamed
from pipelines.intake.window import Window
from pipelines.sources.context import FileRef, date_in_path
from pipelines.sources.files import Refused
from pipelines.sources.record import Quarantined
from pipelines.sources.registry import AGGREGATED, read_aggregated
from pipelines.storage.models import filled
from pipelines.workspace.load import Loaded

TABLES = tuple(SCHEMAS)


def take_in_aggregated(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, window: Window, run_id: str, intake: Intake
) -> None:
    """Read what is new of the aggregated kinds into the ledger and add it to `intake`'s counts.

    Leaves `touched_counts`: the days whose outcome counts changed. A report's window is by the UTC day on which its
    period begins, that of outcome counts by their day.
    """
    con.execute("create or replace temp table touched_counts (day date)")
    for table, schema in SCHEMAS.items():
        con.register("empty_batch", schema.empty_table())
        con.execute(f"create or replace temp table fresh_{table} as from empty_batch")
        con.unregister("empty_batch")
        con.execute(f"create or replace temp table before_{table} as select * from {table}")
    sources = tuple(s for s in loaded.config.sources if s.kind in AGGREGATED)
    for source in sources:
        intake.skipped_kinds.pop(source.kind, None)
    manifest = Manifest(con, loaded, window, run_id, intake)
    found = discover(replace(loaded, config=loaded.config.model_copy(update={"sources": sources})))
    refuse_renamed(con, loaded, found)
    for file in manifest.due(manifest.listed(found)):
        _take(con, file, window, manifest)
    manifest.flush()
    for table in TABLES:
        con.execute(f"insert into {table} by name select *, false as wins from fresh_{table}")
        decide(con, table)
        _count(con, table, intake)


def decide(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Mark the rows that count; days whose outcome counts differ from before go to `touched_counts`."""
    counts = table == "outcome_counts"
    winners = filled(
        "intake/aggregated_winners",
        table=table,
        # two sources that count the same workflow and day count it once: the higher priority, then the name
        owner="" if counts else "held.source,",
        before="coalesce(source_priorities.priority, 0) desc, held.source," if counts else "",
    )
    con.execute(f"create or replace temp table winners as {winners}")
    con.execute(
        f"update {table} set wins = not wins where wins <> ((source, file, place) in "
        "(select (source, file, place) from winners))"
    )
    if counts:
        figures = "day, workflow, completed, failed, rejected, value_usd"
        held, now = (f"select {figures} from {t} where wins" for t in (f"before_{table}", table))
        con.execute(
            f"insert into touched_counts select distinct day from (({held} except {now}) union ({now} except {held}))"
        )


def touch_every_count(con: duckdb.DuckDBPyConnection) -> None:
    """Every day with outcome counts is worked out anew (the workspace file changed)."""
    con.execute("insert into touched_counts select distinct day from outcome_counts where wins")


def _take(con: duckdb.DuckDBPyConnection, file: Due, window: Window, manifest: Manifest) -> None:
    found = file.found
    source, kind = found.source.name, found.source.kind
    counts = FileCounts()
    rows = Rows(source, kind, found.name, found.below)
    rejected: Rejected = []
    ref = FileRef(path=file.place, name=found.name, default_time=date_in_path(found.name), now=datetime.now(UTC))

    wanted = partial(file.wants, window)
    try:
        for line, parsed in read_aggregated(kind, ref):
            if isinstance(parsed, Quarantined):
                if not file.same:
                    counts.read += 1
                    counts.quarantined += 1
                    rejected.append((line, parsed))
                continue
            counts.read += rows.add(parsed, wanted)
    except Refused as refusal:
        manifest.refused(file, str(refusal))
        return
    manifest.taken(file, counts, rejected)
    _replace_rows(con, found, rows, wanted)


def _replace_rows(con: duckdb.DuckDBPyConnection, found: Found, rows: Rows, wanted: Callable[[date], bool]) -> None:
    """What the file said before of the days that were read now is no longer what it says."""
    place = {"source": found.source.name, "file": found.name}
    for table in (*TABLES, "empty_buckets"):
        where = f"from {table} where source = $source and file = $file"
        days = con.execute(f"select distinct day {where}", place).fetchall()
        for day in (day for (day,) in days if wanted(day)):
            con.execute(f"delete {where} and day = $day", place | {"day": day})
    if rows.empty:
        con.executemany("insert into empty_buckets values (?, ?, ?, ?, ?)", rows.empty)
    for table, batch in rows.tables():
        con.register("batch", batch)
        con.execute(f"insert into fresh_{table} by name from batch")
        con.unregister("batch")


def _count(con: duckdb.DuckDBPyConnection, table: str, intake: Intake) -> None:
    con.execute(
        f"create or replace temp table told_before as select distinct source, row_key, canonical from before_{table}"
    )
    for source, file, stored, superseded, duplicate in con.execute(
        filled("intake/aggregated_counts", table=table, fresh=f"fresh_{table}")
    ).fetchall():
        counts = intake.per_file[(source, file)]
        counts.stored += stored
        counts.superseded += superseded
        counts.duplicate += duplicate
