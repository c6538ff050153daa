"""The stages that are no single SQL model, as executors do them: reading, once and only once, shares, segments.

Everything between and after them is `pipelines.run`'s own stages, speaking to `SparkLedger`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipelines.engine import capacity, history, once, reading
from pipelines.engine.folders import connect, drop_lake, end, keep, lake_of, sweep, sweep_lake
from pipelines.engine.ledger import SparkLedger
from pipelines.ledger.build import shared_requests, single_allocations, touch_units
from pipelines.ledger.capacity import charges
from pipelines.ledger.scope import WORKED_OUT_WHOLE, Scope
from pipelines.ledger.shares import borne
from pipelines.ledger.terms import Terms
from pipelines.publish.segments import GROUP, SEGMENTS
from pipelines.rates.book import RateBook
from pipelines.sources.record import MONEY
from pipelines.storage import generations
from pipelines.storage.days import called_near
from pipelines.storage.models import filled, sql

if TYPE_CHECKING:
    from pipelines.running import Run

#: what `pipelines.run` and `pipelines.running` ask of an engine of its own, beside the stages below
__all__ = ["connect", "drop_lake", "end", "keep", "lake_of", "sweep", "sweep_lake"]
#: how the rows of a segment lie
_ORDER = {
    "requests": ("unit_id", "units_from", "units_to", "request_id", "request_key"),
    "charges": ("unit_id", "request_id", "request_key", "sku"),
    "unit_days": ("workflow", "unit_id"),
}
_PARTS = pa.schema(
    [
        ("request_key", pa.string()),
        ("day", pa.date32()),
        ("workflow", pa.string()),
        ("unit_id", pa.string()),
        ("cost_usd", MONEY),
    ]
)


def compare(run: Run) -> None:
    history.compare(run)


def take_in(run: Run) -> None:
    run.intake = reading.take_in(run)


def deduplicate(run: Run) -> None:
    once.deduplicate(run)


def bear_capacity(
    ledger: SparkLedger, book: RateBook, terms: Mapping[date, Terms], zone: ZoneInfo
) -> list[tuple]:  # fmt: skip
    return capacity.bear(ledger, book, terms, zone)


def allocate(run: Run, scope: Scope) -> None:
    """What each unit bears: as `ledger.build.allocate`, the shares split by executors in whole 10^-12 dollars."""
    ledger: SparkLedger = run.con
    if not scope.late:
        touch_units(run.con, scope)
        ledger.execute(f"delete from allocations where day in (select day from {scope.days})")
    ledger.execute(f"insert into allocations by name {single_allocations(scope)}")
    from pyspark.sql.pandas.types import from_arrow_schema

    shared = ledger.query(shared_requests(scope))
    ledger.show("shared_parts", shared.mapInArrow(_split, from_arrow_schema(_PARTS)))
    ledger.execute("insert into allocations by name select * from shared_parts")
    touch_units(run.con, scope)


def _split(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [
            (row["request_key"], row["day"], row["workflow"], unit, part)
            for row in batch.to_pylist()
            for unit, part in borne(row["units"], row["cost_usd"], row["amounts"]).items()
        ]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(_PARTS)
        arrays = [pa.array(values, kind) for values, kind in zip(columns, _PARTS.types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=_PARTS)


def write_segments(run: Run) -> None:
    """One immutable file per day and table, each sorted, written by one task: of days that were worked out, all of their
    rows; of days that only late requests came to, what these add; and one of all units.
    """
    ledger: SparkLedger = run.con
    _write_units(run)
    whole = f"select distinct day from touched_days where {WORKED_OUT_WHOLE}"
    ledger.execute(f"create or replace temp table worked_days as {whole}")
    late = [scope for scope in run.scopes if scope.late]
    for table in SEGMENTS:
        touched = "cost_days" if table == "unit_days" else "worked_days"
        run.con.small.execute(
            f"delete from segments where name = $table and day in (select day from {touched})", {"table": table}
        )
        _write_days(run, table, Scope(touched))
        for scope in late if table != "unit_days" else ():
            _write_days(run, table, scope)


def _write_days(run: Run, table: str, scope: Scope) -> None:
    ledger: SparkLedger = run.con
    ledger.describe(f"segments: {table} of {scope.days}")
    frame = ledger.query(_segment_model(ledger, table, scope))
    place = ledger.work.below(f"segments/{table}")
    sized = frame.withColumn("of_day", frame["charge_day" if table == "charges" else "day"]).repartition("of_day")
    order = (sized[name].asc_nulls_last() for name in _ORDER[table])
    ledger.guarded(
        lambda: (
            sized.sortWithinPartitions("of_day", *order)
            .write.option("parquet.block.row.count.limit", GROUP).partitionBy("of_day").parquet(place.url)
        )
    )  # fmt: skip
    folder = run.home / "segments" / table
    folder.mkdir(parents=True, exist_ok=True)
    for part in place.files():
        written = part.split("/")[-2].partition("=")[2]
        file = f"{written}-{run.run_id}.parquet"
        place.fetch(part, folder / file)
        ledger.small.execute("insert into segments values (?, ?, ?)", [table, written, file])
    place.remove()


def _write_units(run: Run) -> None:
    ledger: SparkLedger = run.con
    from pyspark.sql.functions import lit

    upto = generations.coming(ledger)
    rows = ledger.query(sql("publish/outcome_cost"))
    frame = rows.withColumn("generation", lit(upto).cast("bigint")).withColumn("tombstone", lit(False))
    place = ledger.work.below("segments/outcome_cost")
    ledger.guarded(
        lambda: (
            frame.repartition(1).sortWithinPartitions("workflow", "unit_id")
            .write.option("parquet.block.row.count.limit", generations.GROUP).parquet(place.url)
        )
    )  # fmt: skip
    file = None
    for part in place.files():
        file = generations.path(run.home, upto, run.run_id)
        place.fetch(part, file)
    generations.replace_all(ledger, upto, file)
    place.remove()


def _segment_model(ledger: SparkLedger, table: str, scope: Scope) -> str:
    days = f"day in (select day from {scope.days})"
    if table == "charges":
        standing = "false" if scope.late else days
        found = charges(f"requests.{days}", standing, called_near(ledger, scope.days), scope)
        return filled("publish/charges", charges=found)
    if table == "unit_days":
        return filled("publish/unit_days", days=days)
    tables = scope.tables("requests", "request_dimensions")
    return filled("publish/requests", days=days, counted=f"requests.{days}", **tables)
