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
from pipelines.ledger.scope import WHOLE
from pipelines.ledger.shares import borne
from pipelines.ledger.terms import Terms
from pipelines.publish.segments import GROUP, SEGMENTS
from pipelines.rates.book import RateBook
from pipelines.sources.record import MONEY
from pipelines.storage import generations
from pipelines.storage.models import filled, sql

if TYPE_CHECKING:
    from pipelines.running import Run

#: what `pipelines.run` and `pipelines.running` ask of an engine of its own, beside the stages below
__all__ = ["connect", "drop_lake", "end", "keep", "lake_of", "sweep", "sweep_lake"]
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


def allocate(run: Run) -> None:
    """What each unit bears: as `ledger.build.allocate`, the shares split by executors in whole 10^-12 dollars."""
    ledger: SparkLedger = run.con
    ledger.execute(f"insert into allocations by name {single_allocations()}")
    from pyspark.sql.pandas.types import from_arrow_schema

    shared = ledger.query(shared_requests())
    ledger.show("shared_parts", shared.mapInArrow(_split, from_arrow_schema(_PARTS)))
    ledger.execute("insert into allocations by name select * from shared_parts")
    touch_units(run.con)


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
    """One immutable file per touched day and table, each sorted, written by one task; and one of all units."""
    ledger: SparkLedger = run.con
    _write_units(run)
    for table in SEGMENTS:
        touched = "cost_days" if table == "unit_days" else "touched_days"
        frame = ledger.query(_segment_model(table))
        day = "charge_day" if table == "charges" else "day"
        place = ledger.work.below(f"segments/{table}")
        sized = frame.withColumn("of_day", frame[day]).repartition("of_day")
        order = {
            "requests": ("unit_id", "units_from", "units_to", "request_id", "request_key"),
            "charges": ("unit_id", "request_id", "request_key", "sku"),
            "unit_days": ("workflow", "unit_id"),
        }[table]
        ledger.guarded(
            lambda sized=sized, order=order, place=place: (
                sized.sortWithinPartitions("of_day", *(sized[name].asc_nulls_last() for name in order))
                .write.option("parquet.block.row.count.limit", GROUP).partitionBy("of_day").parquet(place.url)
            )
        )  # fmt: skip
        run.con.small.execute(
            f"delete from segments where name = $table and day in (select day from {touched})", {"table": table}
        )
        folder = run.home / "segments" / table
        folder.mkdir(parents=True, exist_ok=True)
        for part in place.files():
            written = part.split("/")[-2].partition("=")[2]
            file = f"{written}-{run.run_id}.parquet"
            place.fetch(part, folder / file)
            run.con.small.execute("insert into segments values (?, ?, ?)", [table, written, file])
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


def _segment_model(table: str) -> str:
    days = "day in (select day from touched_days)"
    if table == "charges":
        return filled("publish/charges", charges=charges(f"requests.{days}", days))
    if table == "unit_days":
        return filled("publish/unit_days", days="day in (select day from cost_days)")
    return filled("publish/requests", days=days, counted=days, **WHOLE.tables("requests", "request_dimensions"))
