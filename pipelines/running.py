"""A run's state and its transaction: the workspace's lock, the ledger, and what is undone when a stage fails.

Whatever fails before the set is published leaves the ledger, the lake and what is published as they were. `run --full`
builds a second ledger beside the first and replaces it when it is complete.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.intake.counts import Intake
from pipelines.intake.progress import Progress
from pipelines.ledger.scope import WHOLE, Scope
from pipelines.publish import assemble
from pipelines.rates.book import RateBook
from pipelines.split.build import Split
from pipelines.storage import lake
from pipelines.storage.lease import Lease
from pipelines.storage.ledger import apart, commit_unsettled, one_engine, open_ledger, put_setting, setting, settled
from pipelines.storage.lock import run_lock
from pipelines.storage.models import literal
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded


@dataclass(frozen=True)
class Asked:
    """What the caller wants of a run."""

    first: date | None = None
    last: date | None = None
    full: bool = False
    accept_loss: bool = False
    keep_missing: bool = False
    wait_s: float = 600.0


@dataclass(frozen=True)
class Stage:
    """What a stage did: rows it wrote and what it took."""

    name: str
    rows: int
    cpu_s: float
    wall_s: float


@dataclass
class Run:
    """The state that stages hand on. Made by `open_run`; the stages are called in the order of `STAGES`."""

    loaded: Loaded
    asked: Asked
    run_id: str
    con: Any  #: a DuckDB connection, or `pipelines.engine.ledger.SparkLedger`
    ledger_file: Path
    lake_root: Path
    lease: Lease
    progress: Progress | None = None
    held: bool = False  #: the ledger that a full rebuild replaces is attached as `held`
    intake: Intake = field(default_factory=Intake)
    book: RateBook | None = None
    split: Split | None = None
    changed: dict[str, pl.DataFrame] = field(default_factory=dict)
    decided: str = ""  #: hash of the decisions and closed months that `changed` took in
    as_of: date | None = None
    cause: str = "late data"
    scopes: list[Scope] = field(default_factory=lambda: [WHOLE])  #: what the ledger's stage works out together
    days: list[date] = field(default_factory=list)
    result: assemble.Assembled | None = None
    unchanged: bool = False
    committed: bool = False
    stages: list[Stage] = field(default_factory=list)

    @property
    def spark(self) -> Any:
        """The stages of the Spark engine (`pipelines.engine.road`) where the workspace names it, else None."""
        return import_module("pipelines.engine.road") if self.loaded.config.engine.kind == "spark" else None

    @property
    def home(self) -> Path:
        return self.loaded.home

    @contextmanager
    def timed(self, name: str, rows: Callable[[], int] = lambda: 0) -> Generator[None]:
        """Time a stage, or a further part of it."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        count, cpu, wall = rows(), time.process_time() - cpu, time.perf_counter() - wall
        for place, known in enumerate(self.stages):
            if known.name == name:
                self.stages[place] = Stage(name, known.rows + count, known.cpu_s + cpu, known.wall_s + wall)
                return
        self.stages.append(Stage(name, count, cpu, wall))

    def count(self, query: str) -> int:
        return self.con.execute(query).fetchall()[0][0]

    def commit_unsettled(self) -> None:
        """What was read is committed before it is settled: a run that comes to nothing leaves it to be forgotten."""
        self.lease.fence()
        commit_unsettled(self.con, self.run_id)


@contextmanager
def open_run(loaded: Loaded, asked: Asked, progress: Progress | None = None) -> Generator[Run]:
    """Lock the workspace, open its ledger and begin. Rolls back unless the last stage published.

    Raises OutlayError when another run holds the workspace for longer than `asked.wait_s`, or the disk is full.
    """
    home = loaded.home
    run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f") + f"-{os.getpid()}"
    with ExitStack() as stack:
        lease = stack.enter_context(run_lock(home, asked.wait_s))
        _tidy(home)
        if lease.from_silent:
            apart(home / "ledger.duckdb")
        file = home / ("ledger.full.duckdb" if asked.full else "ledger.duckdb")
        con: Any = open_ledger(file)
        stack.callback(con.close)
        one_engine(con, loaded.config.engine.kind)
        lake_name = setting(con, "lake")
        if lake_name is None:
            # several workspaces may share the place that `engine.lake` names
            lake_name = f"lake-{run_id}" if asked.full or loaded.config.engine.lake else "lake"
        run = Run(loaded, asked, run_id, con, file, home / lake_name, lease, progress)
        if not asked.full:
            lake.sweep(con, run.lake_root)
        old = home / "ledger.duckdb"
        if asked.full and old.is_file():
            con.execute(f"attach {literal(str(settled(old)))} as held (read_only)")
            filled_by = con.execute("select value from held.settings where name = 'engine'").fetchall()
            if filled_by == [("spark",)] and not run.spark:
                raise OutlayError(
                    "run --full with engine: duckdb can't tell which inputs of a ledger of engine spark are gone, so it "
                    "forgets nothing and stops: put engine: {kind: spark} back, or delete .outlay to rebuild from the "
                    "present inputs"
                )
            run.held = True
        con.execute("begin transaction")
        if run.spark:
            con = run.con = run.spark.connect(loaded, con, run_id)
            stack.callback(run.spark.end, run)
            if not asked.full:
                run.spark.sweep_lake(run)
        put_setting(con, "engine", loaded.config.engine.kind)
        put_setting(con, "lake", lake_name)
        for table in ("touched_days", "fresh_days", "cost_days"):
            con.execute(f"create or replace temp table {table} (day date)")
        try:
            yield run
        except duckdb.Error as error:
            raise OutlayError(_disk_or_ledger(error)) from error
        except OSError as error:
            raise OutlayError(
                f"{error.strerror or error}: nothing was changed, the last published set is still served"
            ) from error
        finally:
            if not run.committed:
                _roll_back(run)


def _tidy(home: Path) -> None:
    """What a killed run may have left beside the ledger."""
    for name in ("ledger.full.duckdb", "ledger.full.duckdb.wal"):
        (home / name).unlink(missing_ok=True)
    shutil.rmtree(home / "tmp", ignore_errors=True)
    if (home / "published").is_dir():
        pointed = next((p.read_text("utf-8").strip() for p in [home / "published" / "current"] if p.is_file()), "")
        for folder in (home / "published").iterdir():
            if folder.is_dir() and not (folder / "set.json").is_file() and folder.name != pointed:
                shutil.rmtree(folder, ignore_errors=True)


def _roll_back(run: Run) -> None:
    # a full disk kills the connection; the file reopens as it was committed
    with suppress(duckdb.Error):
        run.con.execute("rollback")
    if run.asked.full:
        run.con.close()
        shutil.rmtree(run.lake_root, ignore_errors=True)
        if not run.lease.lost():  # else what lies there is the new holder's
            _tidy(run.home)


def _disk_or_ledger(error: duckdb.Error) -> str:
    line = str(error).splitlines()[0]
    if "No space left" in str(error):
        return f"the disk is full: nothing was changed, the last published set is still served ({line})"
    return f"the ledger failed: nothing was changed, the last published set is still served ({line})"
