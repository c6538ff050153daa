"""`run --full` never forgets: what the ledger holds and no file holds any more is lost only when somebody says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Protocol

import duckdb

from pipelines.intake.aggregated import TABLES, decide
from pipelines.intake.batches import FAMILIES, STAGED
from pipelines.intake.counts import Intake
from pipelines.intake.staging import Staging
from pipelines.workspace.errors import OutlayError

_KEYS = {
    "requests": ("records", ("source", "provider", "request_id")),
    "outcomes": ("outcome_events", ("event_id",)),
    "evaluations": ("evaluations", ("workflow", "task_type", "item_id", "provider", "model")),
    "scores": ("scores", ("source", "score_key")),
}


class Elsewhere(Protocol):
    """Families whose records neither ledger holds itself."""

    @property
    def families(self) -> tuple[str, ...]: ...

    def lost(self, family: str) -> Iterable[tuple[date, int]]: ...

    def keep(self, family: str) -> None: ...


def compare(
    con: duckdb.DuckDBPyConnection, accept_loss: bool, keep_missing: bool, staging: Staging, intake: Intake,
    elsewhere: Elsewhere | None = None,
) -> None:  # fmt: skip
    """Compare what was staged with the ledger that it will replace, attached as `held`.

    Raises OutlayError listing the days whose records are in no file any more, unless they are to be lost
    (`accept_loss`) or kept (`keep_missing`: they are staged again from the ledger). `elsewhere` answers for its families.
    """
    lost: dict[str, int] = {}
    known = _tables(con)
    if elsewhere is not None:
        for family in elsewhere.families:
            if keep_missing:
                elsewhere.keep(family)
                continue
            for day, count in elsewhere.lost(family):
                lost[day.isoformat()] = lost.get(day.isoformat(), 0) + count
    for family, (table, key) in _KEYS.items():
        if elsewhere and family in elsewhere.families:
            continue
        if table not in known:  # a ledger of an earlier version
            continue
        gone = f"from held.{table} where {_key(table, key)} not in (select ({', '.join(key)}) from {STAGED[family]})"
        if keep_missing:
            _keep(con, family, gone, staging, intake)
            continue
        for day, count in con.execute(f"select cast(time as date), count(*) {gone} group by all").fetchall():
            lost[day.isoformat()] = lost.get(day.isoformat(), 0) + count
    if keep_missing and not (elsewhere and "spans" in elsewhere.families):
        con.execute("insert into incoming_spans by name select * from held.spans")
    for day, count in _lost_figures(con, keep_missing):
        lost[day] = lost.get(day, 0) + count
    if lost and not accept_loss:
        days = ", ".join(f"{day} ({count})" for day, count in sorted(lost.items()))
        raise OutlayError(
            f"the inputs of {sum(lost.values())} stored records are gone, on these days: {days}. "
            "Put the files back, or keep those records (--keep-missing), or lose them (--accept-loss)"
        )


def _lost_figures(con: duckdb.DuckDBPyConnection, keep_missing: bool) -> Iterator[tuple[str, int]]:
    """Days and counts of bills, reports and outcome counts that no file says any more; kept ones are put back."""
    known = _tables(con)
    if "empty_buckets" in known:  # that a provider took rows back is known by nothing else
        key = ("source", "bucket", "pull")
        gone = (
            f"from held.empty_buckets where {_key('empty_buckets', key)} not in (select ({', '.join(key)}) from "
            "empty_buckets) and (source, bucket) in (select (source, bucket) from (select source, bucket, wins from "
            "held.billed_amounts union all select source, bucket, wins from held.metered_buckets) "
            "group by source, bucket having not bool_or(wins))"
        )
        if keep_missing:
            con.execute(f"insert into empty_buckets by name select * {gone}")
        else:
            for day, count in con.execute(f"select day, count(*) {gone} group by all").fetchall():
                yield day.isoformat(), count
    for table in TABLES:
        if table not in known:
            continue
        key = ("source", "row_key")
        gone = f"from held.{table} where wins and {_key(table, key)} not in (select ({', '.join(key)}) from {table})"
        if keep_missing:
            con.execute(f"insert into {table} by name select * {gone}")
            decide(con, table)
            continue
        for day, count in con.execute(f"select day, count(*) {gone} group by all").fetchall():
            yield day.isoformat(), count


def _key(table: str, key: tuple[str, ...]) -> str:
    """A held row's key, its source by the name that it has now."""
    renamed = (
        f"coalesce((select any_value(renames.name) from renames where renames.source = {table}.source "
        f"and renames.file = {table}.file), {table}.source)"
    )
    return f"({', '.join(renamed if column == 'source' else column for column in key)})"


def _tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of the ledger that is replaced."""
    found = con.execute("select table_name from duckdb_tables() where database_name = 'held'").fetchall()
    return {row[0] for row in found}


def _keep(con: duckdb.DuckDBPyConnection, family: str, gone: str, staging: Staging, intake: Intake) -> None:
    """Stage again what the held ledger knows."""
    columns = ", ".join(FAMILIES[family][1].names)
    count_kept(con, intake, con.execute(f"select source, file, count(*) {gone} group by all").fetchall())
    if family == "requests":
        con.execute(f"create or replace temp table kept as select {columns} {gone}")
        staging.take("kept")
    else:
        con.execute(f"insert into {STAGED[family]} by name select {columns} {gone}")


def count_kept(con: duckdb.DuckDBPyConnection, intake: Intake, kept: Iterable[tuple[str, str, int]]) -> None:
    """Count what is kept of each (source, file) where that file is there with other lines.

    A log begun anew under its old name: what it once said counts as read of it, and is settled with its lines.
    """
    for source, file, count in kept:
        if (source, file) in intake.per_file:
            intake.per_file[source, file].read += count
            con.execute(
                "update files set records_read = records_read + $count where source = $source and file = $file",
                {"count": count, "source": source, "file": file},
            )
