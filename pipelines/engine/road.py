"""The stages that are no single SQL model, as executors do them: reading, once and only once, shares, segments.

Everything between and after them is `pipelines.run`'s own stages, speaking to `SparkLedger`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb
import pyarrow as pa

from pipelines.engine import history, once, reading
from pipelines.engine.ledger import SparkLedger
from pipelines.engine.place import LakePlace, mounted
from pipelines.engine.session import start
from pipelines.engine.work import Work
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
    from pyspark.sql import SparkSession

    from pipelines.running import Run

#: `<work>/<run>/`: what a run's executors wrote for later stages, and below `KEPT` for the next run; `<work>` is
#: `.outlay/<FOLDER>` unless `engine.work` names another place
FOLDER, KEPT = "spark", "kept"
_SETTING = "spark_folder"
_PLACE, _OWN = "lake_place", "work_folder"
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
    _same_place(small, loaded)
    spark = start(loaded.config.engine.master, f"outlay {loaded.config.name}")
    try:
        return _connected(loaded, small, spark, run_id)
    except BaseException:
        spark.stop()
        raise


def _connected(loaded: Loaded, small: duckdb.DuckDBPyConnection, spark: SparkSession, run_id: str) -> SparkLedger:
    ledger = SparkLedger(small, spark, Work(spark, f"{_work(loaded, small)}/{run_id}"), loaded.home / "tmp" / FOLDER)
    before = setting(small, _SETTING)
    if before is not None:
        ledger.before = Work(spark, before if "/" in before else str(loaded.home / FOLDER / before))
        for name in _KEPT:
            _go_on_with(ledger, name, ledger.before.at(KEPT, name))
    if held(small):
        ledger.replaced = lake_held(small, loaded)
    return ledger


def _go_on_with(ledger: SparkLedger, name: str, place: str) -> None:
    schema = ledger.large[name].schema
    ledger.show(name, ledger.guarded(lambda: ledger.spark.read.schema(schema).parquet(place)))


def held(small: duckdb.DuckDBPyConnection) -> bool:
    """Whether the ledger that a full rebuild replaces is attached."""
    found = small.execute("select 1 from duckdb_databases() where database_name = 'held'").fetchall()
    return bool(found)


def _held_setting(small: duckdb.DuckDBPyConnection, name: str) -> str | None:
    rows = small.execute("select value from held.settings where name = $name", {"name": name}).fetchall()
    return rows[0][0] if rows else None


def lake_held(small: duckdb.DuckDBPyConnection, loaded: Loaded) -> LakePlace:
    """The lake of the ledger that a full rebuild replaces."""
    return _lake_at(
        loaded.root, loaded.home, _held_setting(small, _PLACE) or None, _held_setting(small, "lake") or "lake"
    )


def lake_of(run: Run) -> LakePlace:
    """Where the requests, spans and outcomes of this run's lake lie."""
    return _lake_at(run.loaded.root, run.home, run.loaded.config.engine.lake, run.lake_root.name)


def _lake_at(root: Path, home: Path, place: str | None, name: str) -> LakePlace:
    if place is None:
        return LakePlace(str(home / name))
    folder = mounted(place)
    return LakePlace(f"{place.rstrip('/')}/{name}" if folder is None else str(root / folder / name))


def _work(loaded: Loaded, small: duckdb.DuckDBPyConnection) -> str:
    """The folder of all runs of this workspace: several may share what `engine.work` names."""
    place = loaded.config.engine.work
    if place is None:
        return str(loaded.home / FOLDER)
    own = setting(small, _OWN) or (_held_setting(small, _OWN) if held(small) else None) or uuid4().hex
    put_setting(small, _OWN, own)
    root = place.rstrip("/") if "://" in place else str(loaded.root / place)
    return f"{root}/outlay-{own}"


def _same_place(small: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
    """Raises OutlayError for a lake that lies elsewhere than `engine.lake` says now."""
    now, before = loaded.config.engine.lake or "", setting(small, _PLACE)
    if before is None and setting(small, "published") is not None:
        before = ""
    if before not in (None, now):
        raise OutlayError(
            f"engine.lake: the lake lies at {before or '.outlay'}, outlay.yaml says {now or 'nothing'}: put the former "
            "back, or build it anew at its new place: outlay run --full"
        )
    put_setting(small, _PLACE, now)


def sweep_lake(run: Run) -> None:
    """Delete the files of runs that never committed."""
    if run.loaded.config.engine.lake is None:
        return
    place = lake_of(run)
    known = {row[0] for row in run.con.small.execute("select file from lake_files").fetchall()}
    place.remove(name for name in place.names() if name not in known)


def drop_lake(run: Run) -> None:
    """Delete what this run wrote to a lake of its own."""
    if run.loaded.config.engine.lake is not None:
        lake_of(run).clear()


def compare(run: Run) -> None:
    history.compare(run)


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
        place = ledger.work.below(f"segments/{table}")
        sized = frame.withColumn("of_day", frame[day]).repartition("of_day")
        order = {
            "requests": ("source", "provider", "request_id", "request_key"),
            "charges": ("source", "provider", "request_id", "request_key", "sku"),
            "unit_days": ("workflow", "unit_id"),
        }[table]
        ledger.guarded(
            lambda sized=sized, order=order, place=place: (
                sized.sortWithinPartitions("of_day", *(sized[name].asc_nulls_last() for name in order))
                .write.partitionBy("of_day").parquet(place.url)
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
        place = ledger.work.at(KEPT, name)
        ledger.guarded(lambda name=name, place=place: ledger.large[name].write.parquet(place))
    # the default lies in the workspace, which may move
    put_setting(ledger.small, _SETTING, ledger.work.url if run.loaded.config.engine.work else run.run_id)


def sweep(run: Run) -> None:
    """Delete what earlier and interrupted runs left, and what of this one nobody reads again."""
    ledger: SparkLedger = run.con
    for folder in (ledger.work.above(), ledger.work):
        for name in folder.folders():
            if name not in (run.run_id, KEPT):
                folder.below(name).remove()
    if ledger.before is not None and ledger.before.url != ledger.work.url:
        ledger.before.remove()
    if ledger.replaced is not None:
        ledger.replaced.clear()


def end(run: Run) -> None:
    """Stop Spark; nothing of a run that published nothing stays."""
    if not run.committed:
        run.con.work.remove()
        if run.asked.full:
            drop_lake(run)
    run.con.spark.stop()
