"""Where the files of a Spark run lie, and what becomes of them: opening a run, what the next one goes on with, sweeping.

<engine.lake, else .outlay>/<lake>/<family>/utc_day=…   the lake            `place`
<engine.work, else .outlay/spark>/<run>/<table>/…       between two stages  `work`
…/held/<table>/…                                        for the next run        `held`
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb

from pipelines.engine import held as held_parts
from pipelines.engine.ledger import SparkLedger
from pipelines.engine.place import LakePlace, mounted
from pipelines.engine.session import start
from pipelines.engine.work import Work
from pipelines.storage.ledger import put_setting, setting
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipelines.running import Run

FOLDER, KEPT = "spark", "kept"
#: the last run's prices, where an earlier build kept them
_SETTING = "spark_folder"
_HELD = "held_at"
_PLACE, _OWN = "lake_place", "work_folder"


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
    root = _work(loaded, small)
    now, before = Work(spark, f"{root}/{held_parts.FOLDER}"), setting(small, _HELD)
    # the default lies in the workspace, which may move
    found = now if before is None else Work(spark, before or f"{loaded.home / FOLDER}/{held_parts.FOLDER}")
    parts = held_parts.Held.of(small, now, found, run_id)
    ledger = SparkLedger(small, spark, Work(spark, f"{root}/{run_id}"), parts, loaded.home / "tmp" / FOLDER)
    if (earlier := setting(small, _SETTING)) is not None:
        _take_prices(ledger, Work(spark, earlier if "/" in earlier else str(loaded.home / FOLDER / earlier)))
    ledger.go_on(held_parts.LASTING)
    if held(small):
        ledger.replaced = lake_held(small, loaded)
    return ledger


def _take_prices(ledger: SparkLedger, before: Work) -> None:
    for name in held_parts.LASTING:
        schema = ledger.large[name].schema
        place = before.at(KEPT, name)
        rows = ledger.guarded(lambda schema=schema, place=place: ledger.spark.read.schema(schema).parquet(place))
        ledger.guarded(lambda name=name, rows=rows: ledger.held.add(name, rows))


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


def keep(run: Run) -> None:
    """What the next run goes on with, named by the ledger's transaction."""
    ledger: SparkLedger = run.con
    ledger.guarded(lambda: ledger.held.settle(ledger.large))
    ledger.held.write_down(ledger.small)
    ledger.small.execute("delete from settings where name = $name", {"name": _SETTING})
    put_setting(ledger.small, _HELD, ledger.held.place.url if run.loaded.config.engine.work else "")


def sweep(run: Run) -> None:
    """Delete what earlier and interrupted runs left, and what of this one nobody reads again."""
    ledger: SparkLedger = run.con
    above = ledger.work.above()
    for name in above.folders():
        if name != held_parts.FOLDER:
            above.below(name).remove()
    ledger.held.sweep()
    if ledger.replaced is not None:
        ledger.replaced.clear()


def end(run: Run) -> None:
    """Stop Spark; nothing of a run that published nothing stays."""
    if not run.committed or run.unchanged:
        run.con.work.remove()
        run.con.held.undo()
    if not run.committed and run.asked.full:
        drop_lake(run)
    run.con.spark.stop()
