"""One run, from the logs to a published set: the stages in order, in one transaction on one ledger.

A run holds the workspace's lock. Whatever fails before the set is published leaves the ledger, the lake and what is
published as they were. `run --full` builds a second ledger beside the first and replaces it when it is complete.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.change.build import changes
from pipelines.close.records import records_hash
from pipelines.intake import history
from pipelines.intake.aggregated import take_in_aggregated, touch_every_count
from pipelines.intake.counts import Intake
from pipelines.intake.dedupe import deduplicate, redate, touch_every_unit
from pipelines.intake.intake import staging, take_in
from pipelines.intake.progress import Progress
from pipelines.intake.window import Window
from pipelines.ledger import build as ledger
from pipelines.ledger.checks import CHECKS, Broken, broken
from pipelines.ledger.declared import declare
from pipelines.ledger.fixed_costs import bear_fixed_costs, restate_fixed_costs
from pipelines.outcomes import build as outcomes
from pipelines.outcomes.restate import restate
from pipelines.publish import assemble
from pipelines.publish.currency import exchange_version
from pipelines.rates import snapshot
from pipelines.rates.book import RateBook, overlaps
from pipelines.rates.missing import missing_yaml
from pipelines.rollout.marts import routing_hash
from pipelines.split.build import Split, split
from pipelines.storage import lake, published
from pipelines.storage.ledger import open_ledger, put_setting, setting, sweep_repetitions
from pipelines.storage.lock import run_lock
from pipelines.storage.models import literal
from pipelines.workspace.decisions import decisions_hash
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

NO_DAY = date(1970, 1, 1)  #: stands for as-of in an empty ledger


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
    con: duckdb.DuckDBPyConnection
    ledger_file: Path
    lake_root: Path
    progress: Progress | None = None
    held: bool = False  #: the ledger that a full rebuild replaces is attached as `held`
    intake: Intake = field(default_factory=Intake)
    book: RateBook | None = None
    split: Split | None = None
    changed: dict[str, pl.DataFrame] = field(default_factory=dict)
    decided: str = ""  #: hash of the decisions and closed months that `changed` took in
    as_of: date | None = None
    cause: str = "late data"
    days: list[date] = field(default_factory=list)
    result: assemble.Assembled | None = None
    unchanged: bool = False
    committed: bool = False
    stages: list[Stage] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.loaded.home

    @contextmanager
    def timed(self, name: str, rows: Callable[[], int] = lambda: 0) -> Generator[None]:
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.stages.append(Stage(name, rows(), time.process_time() - cpu, time.perf_counter() - wall))

    def count(self, query: str) -> int:
        return self.con.execute(query).fetchall()[0][0]


@contextmanager
def open_run(loaded: Loaded, asked: Asked, progress: Progress | None = None) -> Generator[Run]:
    """Lock the workspace, open its ledger and begin. Rolls back unless the last stage published.

    Raises OutlayError when another run holds the workspace for longer than `asked.wait_s`, or the disk is full.
    """
    home = loaded.home
    run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f") + f"-{os.getpid()}"
    with ExitStack() as stack:
        stack.enter_context(run_lock(home, asked.wait_s))
        _tidy(home)
        file = home / ("ledger.full.duckdb" if asked.full else "ledger.duckdb")
        con = open_ledger(file)
        stack.callback(con.close)
        lake_name = setting(con, "lake")
        if lake_name is None:
            lake_name = f"lake-{run_id}" if asked.full else "lake"
        run = Run(loaded, asked, run_id, con, file, home / lake_name, progress)
        if not asked.full:
            lake.sweep(con, run.lake_root)
        old = home / "ledger.duckdb"
        if asked.full and old.is_file():
            con.execute(f"attach {literal(str(old))} as held (read_only)")
            run.held = True
        con.execute("begin transaction")
        put_setting(con, "lake", lake_name)
        for table in ("touched_days", "cost_days"):
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


def intake_stage(run: Run) -> None:
    """Read what is new, keep each call once, store it in the lake and mark the days it touches."""
    con, loaded = run.con, run.loaded
    with run.timed("ingest", lambda: run.intake.records()["read"]):
        declare(con, loaded)
        window = Window(run.asked.first, run.asked.last)
        run.intake = take_in(con, loaded, window, run.run_id, run.progress)
        take_in_aggregated(con, loaded, window, run.run_id, run.intake)
        if run.asked.full:
            run.cause = "full rebuild"
            if run.held:
                history.compare(con, run.asked.accept_loss, run.asked.keep_missing, staging(loaded, con, run.run_id))
        _apply_changed_workspace(run)
        changed = run.cause == "workspace changed"
        deduplicate(con, loaded, run.lake_root, run.run_id, run.intake, everything=changed)
        if run.cause == "workspace changed":
            touch_every_unit(con)
            touch_every_count(con)


def rates_stage(run: Run) -> None:
    """Compile the rates of every model seen; overlapping rates are refused."""
    with run.timed("rates", lambda: len(run.book.rates) if run.book else 0):
        exchange_version(run.loaded)  # refuses a reporting currency without rates before anything is written
        run.book = ledger.rate_book(run.con, run.loaded)
        twice = overlaps(run.book.rates)
        if twice:
            raise OutlayError(f"the rate book names two prices for one moment: {twice[0]}")
        ledger.reopen_for_new_rates(run.con, run.book)


def ledger_stage(run: Run) -> None:
    """Attribute, price and allocate the requests of the touched days."""
    con, book = run.con, run.book
    assert book is not None
    with run.timed(
        "attribute", lambda: run.count("select count(*) from records where wins and day in (from touched_days)")
    ):
        ledger.name_models(con, book)
        ledger.attribute(con, run.loaded)
    looked_up = 0
    with run.timed("price", lambda: looked_up):
        looked_up = ledger.price_requests(con, book)
    with run.timed("allocate", lambda: run.count("select count(*) from allocations where day in (from touched_days)")):
        ledger.write_requests(con, run.loaded)
        bear_fixed_costs(con, book, run.loaded.config.reporting.zone)
        ledger.allocate(con)


def check_stage(run: Run) -> dict[str, Broken | None]:
    """Every check of the ledger. The caller publishes nothing when one is broken."""
    with run.timed("check", lambda: len(CHECKS)):
        return {name: broken(run.con, name) for name in CHECKS}


def outcomes_stage(run: Run) -> None:
    """Replay the units' lives and work out the touched days' cost per outcome."""
    con = run.con
    with run.timed("outcomes", lambda: run.count("select count(*) from daily_cost where day in (from cost_days)")):
        outcomes.replay(con)
        outcomes.write_daily_cost(con)
        outcomes.write_unit_costs(con)
        run.as_of = assemble.as_of(con, run.asked.last)
        run.days = [
            r[0]
            for r in con.execute("select distinct day from cost_days where day is not null order by day").fetchall()
        ]
        previous = _published_until(run)
        restate(con, run.cause, previous, run.held)
        restate_fixed_costs(con, run.cause, previous, run.held)


def change_stage(run: Run) -> None:
    """What changed: alarms, the bridge from week to week, budgets."""
    with run.timed("change", lambda: sum(len(frame) for frame in run.changed.values())):
        run.decided = decisions_hash(run.loaded.root) + records_hash(run.loaded.root) + routing_hash(run.loaded)
        run.changed = changes(run.con, run.loaded, run.as_of or NO_DAY)


def split_stage(run: Run) -> None:
    """The capability-split recommendations of the last 28 days."""
    assert run.book is not None
    with run.timed("split", lambda: len(run.split.recommendations.recommendations) if run.split else 0):
        run.split = split(run.con, run.loaded, run.book, run.as_of or NO_DAY)


def publish_stage(run: Run) -> None:
    """Write the set, commit the ledger, swap the pointer. Nothing new: the published set stays."""
    home, con = run.home, run.con
    assert run.split is not None
    assert run.book is not None
    snapshot.save(home, run.book)
    with run.timed("publish", lambda: len(run.days)):
        if _nothing_new(run):
            run.unchanged = True
            con.execute("commit")
            run.committed = True
            return
        (home / "published").mkdir(parents=True, exist_ok=True)
        with published.building(home, run.run_id) as folder:
            assemble.write_segments(con, home, run.run_id)
            run.result = assemble.assemble(
                con, run.loaded, folder, run.run_id, run.run_id, run.as_of, run.split, run.changed
            )
            put_setting(con, "published", run.run_id)
            put_setting(con, "as_of", str(run.as_of))
            put_setting(con, "exchange", exchange_version(run.loaded))
            put_setting(con, "meaning", run.loaded.meaning())
            put_setting(con, "config", run.loaded.config.model_dump_json())
            put_setting(con, "decisions", run.decided)
            con.execute("commit")
            run.committed = True
            sweep_repetitions(con)
        if run.asked.full:
            _replace_ledger(run)
        published.point_to(home, run.run_id)
        published.sweep(home, {run.run_id})


STAGES: dict[str, Callable[[Run], Any]] = {
    "intake": intake_stage,
    "rates": rates_stage,
    "ledger": ledger_stage,
    "outcomes": outcomes_stage,
    "change": change_stage,
    "split": split_stage,
    "publish": publish_stage,
}


def refuse_broken(results: dict[str, Broken | None]) -> None:
    """Raise OutlayError naming the first check that does not hold."""
    for name, result in results.items():
        if result is not None:
            raise OutlayError(f"check {name} does not hold, nothing was published: {result}")


def run_workspace(loaded: Loaded, asked: Asked, progress: Progress | None = None) -> dict[str, Any]:
    """All stages in this process; answers the document of `outlay run --json`."""
    with open_run(loaded, asked, progress) as run:
        for name, stage in STAGES.items():
            stage(run)
            if name == "ledger":
                refuse_broken(check_stage(run))
        return report(run)


def report(run: Run) -> dict[str, Any]:
    """The document of `outlay run --json`: this run's files and records, the whole published ledger's totals."""
    if run.result:
        meta, warned = run.result.meta, run.result.alerts
    else:
        current = published.current(run.loaded.root)
        meta = current.meta
        with current.connect() as con:
            warned = assemble.json_rows(con.sql("select * from alerts").pl())
    summary = meta["summary"]
    return {
        "run_id": run.run_id,
        "published": meta["set_id"],
        "days": [] if run.unchanged else [day.isoformat() for day in run.days],
        "files": {
            "read": run.intake.files_read,
            "unchanged": run.intake.files_unchanged,
            "refused": run.intake.files_refused,
        },
        "records": run.intake.records(),
        "requests": summary["requests"],
        "spend_usd": summary["spend_usd"],
        "unpriced_requests": summary["unpriced_requests"],
        "unattributed_usd": summary["unattributed_usd"],
        "alerts": warned,
        "assign": meta.get("assign", []),
        "as_of": meta["as_of"],
        "stages": [
            {"name": s.name, "rows": s.rows, "cpu_s": round(s.cpu_s, 3), "wall_s": round(s.wall_s, 3)}
            for s in run.stages
        ],
        "not_read": dict(run.intake.skipped_kinds),
        "missing_rates": missing_yaml(published.current(run.loaded.root)) if summary["unpriced_requests"] else "",
        "skipped": run.intake.skipped(),
    }


def _apply_changed_workspace(run: Run) -> None:
    """Tags, rules, zone, values and priorities apply to all days, from what the ledger holds."""
    before = setting(run.con, "meaning")
    if before is None or before == run.loaded.meaning():
        return
    run.cause = "workspace changed"
    redate(run.con, run.loaded.config.reporting.timezone)


def _published_until(run: Run) -> date | None:
    """The last day that was published before this run."""
    try:
        last = published.current(run.loaded.root).meta["as_of"]
    except OutlayError:
        return None
    return date.fromisoformat(last) if last else None


def _nothing_new(run: Run) -> bool:
    con = run.con
    name = setting(con, "published")
    return (
        not run.asked.full
        and name is not None
        and published.is_published(run.home, name)
        and not run.days
        and not run.intake.files_read
        and setting(con, "as_of") == str(run.as_of)
        and setting(con, "config") == run.loaded.config.model_dump_json()
        and setting(con, "decisions") == run.decided
        and published.current(run.loaded.root).meta["rate_book"] == setting(con, "rate_book")
        and setting(con, "exchange") == exchange_version(run.loaded)
        and not run.count(f"select count(*) from files where run_id = '{run.run_id}'")
    )


def _replace_ledger(run: Run) -> None:
    """The rebuilt ledger takes the place of the old one; the lake it names is its own."""
    run.con.close()
    os.replace(run.ledger_file, run.home / "ledger.duckdb")
    for folder in run.home.glob("lake*"):
        if folder != run.lake_root:
            shutil.rmtree(folder, ignore_errors=True)


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
        _tidy(run.home)


def _disk_or_ledger(error: duckdb.Error) -> str:
    line = str(error).splitlines()[0]
    if "No space left" in str(error):
        return f"the disk is full: nothing was changed, the last published set is still served ({line})"
    return f"the ledger failed: nothing was changed, the last published set is still served ({line})"
