"""The stages that are no single SQL model, as executors do them: reading, once and only once, shares, segments.

Everything between and after them is `pipelines.run`'s own stages, speaking to `SparkLedger`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from pipelines.engine import once, reading
from pipelines.engine.ledger import SparkLedger
from pipelines.engine.session import start
from pipelines.ledger.build import shared_requests, touch_units
from pipelines.ledger.capacity import charges
from pipelines.ledger.shares import borne
from pipelines.publish.assemble import SEGMENTS
from pipelines.rates.book import RateBook
from pipelines.sources.record import MONEY
from pipelines.storage.ledger import put_setting, setting
from pipelines.storage.models import filled, sql
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

if TYPE_CHECKING:
    from pipelines.running import Run

#: `.outlay/<FOLDER>/<run>/`: what a run's executors wrote for later stages, and below `KEPT` for the next run
FOLDER, KEPT = "spark", "kept"
_SETTING = "spark_folder"
#: Tables that the next run goes on with: a price once given stays until `run --full`.
_KEPT = ("prices", "price_extras")
_PARTS = pa.schema(
    [
        ("request_key", pa.string()),
        ("day", pa.date32()),
        ("workflow", pa.string()),
        ("unit_id", pa.string()),
        ("cost_usd", MONEY),
    ]
)


def connect(loaded: Loaded, small: duckdb.DuckDBPyConnection, run_id: str) -> SparkLedger:
    """The run's ledger with a Spark session of its own. Raises OutlayError where Spark doesn't start."""
    spark = start(loaded.config.engine.master, f"outlay {loaded.config.name}")
    ledger = SparkLedger(small, spark, loaded.home / FOLDER / run_id)
    before = setting(small, _SETTING)
    for name in _KEPT if before else ():
        place = loaded.home / FOLDER / str(before) / KEPT / name
        ledger.show(name, spark.read.schema(ledger.large[name].schema).parquet(str(place)))
    return ledger


def take_in(run: Run) -> None:
    run.intake = reading.take_in(run)


def deduplicate(run: Run) -> None:
    once.deduplicate(run)


def refuse_unfinished(book: RateBook) -> None:
    """Raises OutlayError for what executors can't do yet: nothing of it runs elsewhere in silence."""
    if book.contract.provisioned:
        raise OutlayError(
            "engine: spark does not spread provisioned capacity over requests yet: take provisioned: out of the rates "
            "file, or use engine: {kind: duckdb}"
        )


def allocate(run: Run) -> None:
    """What each unit bears: as `ledger.build.allocate`, the shares split by executors in whole 10^-12 dollars."""
    ledger: SparkLedger = run.con
    ledger.execute(f"insert into allocations by name {sql('ledger/single_allocations')}")
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
    """One immutable file per touched day and table, each sorted, written by one task."""
    ledger: SparkLedger = run.con
    for table in SEGMENTS:
        touched = "cost_days" if table == "unit_days" else "touched_days"
        frame = ledger.query(_segment_model(table))
        day = "charge_day" if table == "charges" else "day"
        place = ledger.folder / "segments" / table
        sized = frame.withColumn("of_day", frame[day]).repartition("of_day")
        order = {
            "requests": ("source", "provider", "request_id", "request_key"),
            "charges": ("source", "provider", "request_id", "request_key", "sku"),
            "unit_days": ("workflow", "unit_id"),
        }[table]
        ledger.guarded(
            lambda sized=sized, order=order, place=place: (
                sized.sortWithinPartitions("of_day", *(sized[name].asc_nulls_last() for name in order))
                .write.partitionBy("of_day").parquet(str(place))
            )
        )  # fmt: skip
        run.con.small.execute(
            f"delete from segments where name = $table and day in (select day from {touched})", {"table": table}
        )
        folder = run.home / "segments" / table
        folder.mkdir(parents=True, exist_ok=True)
        for part in sorted(place.glob("of_day=*/*.parquet")):
            written = part.parent.name.partition("=")[2]
            file = f"{written}-{run.run_id}.parquet"
            os.replace(part, folder / file)
            run.con.small.execute("insert into segments values (?, ?, ?)", [table, written, file])
        shutil.rmtree(place)


def _segment_model(table: str) -> str:
    days = "day in (select day from touched_days)"
    if table == "charges":
        return filled("publish/charges", charges=charges(f"requests.{days}", days))
    if table == "unit_days":
        return filled("publish/unit_days", days="day in (select day from cost_days)")
    return sql("publish/requests").replace("day = $day", days)


def keep(run: Run) -> None:
    """What the next run goes on with, named by the ledger's transaction."""
    ledger: SparkLedger = run.con
    for name in _KEPT:
        place = str(ledger.folder / KEPT / name)
        ledger.guarded(lambda name=name, place=place: ledger.large[name].write.parquet(place))
    put_setting(ledger.small, _SETTING, run.run_id)


def sweep(run: Run) -> None:
    """Delete what earlier and interrupted runs left, and what of this one nobody reads again."""
    for folder in (run.home / FOLDER).iterdir():
        if folder.name != run.run_id:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in run.con.folder.iterdir():
        if folder.name != KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def end(run: Run) -> None:
    """Stop Spark; nothing of a run that published nothing stays."""
    run.con.spark.stop()
    if not run.committed:
        shutil.rmtree(run.con.folder, ignore_errors=True)
