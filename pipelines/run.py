"""One run, from the logs to a published set: the stages in order, in one transaction once the records are read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from typing import Any

from pipelines.change.build import changes
from pipelines.intake import history
from pipelines.intake.aggregated import take_in_aggregated, touch_every_count
from pipelines.intake.dedupe import deduplicate, redate, touch_every_unit
from pipelines.intake.intake import staging, take_in
from pipelines.intake.progress import Progress
from pipelines.intake.renamed import note_renames
from pipelines.intake.window import Window
from pipelines.ledger import build as ledger
from pipelines.ledger.checks import CHECKS, Broken, all_broken
from pipelines.ledger.declared import declare
from pipelines.ledger.fixed_costs import bear_fixed_costs, restate_fixed_costs
from pipelines.ledger.scope import part_late, touch_late
from pipelines.outcomes import build as outcomes
from pipelines.outcomes.restate import restate
from pipelines.publish import assemble, call_cells, day_cells, segments
from pipelines.publish.currency import exchange_version
from pipelines.publish.report import report
from pipelines.rates import snapshot
from pipelines.rates.book import overlaps
from pipelines.running import Asked, Run, open_run
from pipelines.split.build import split
from pipelines.storage import published
from pipelines.storage.days import by_days
from pipelines.storage.ledger import put_setting, setting
from pipelines.unchanged import config, decided, idle, nothing_new, published_until, with_news
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

NO_DAY = date(1970, 1, 1)  #: stands for as-of in an empty ledger


def intake_stage(run: Run) -> None:
    """Read what is new, keep each call once, store it in the lake and mark the days it touches."""
    con, loaded = run.con, run.loaded
    with run.timed("ingest", lambda: run.intake.records()["read"]):
        declare(con, loaded)
        window = Window(run.asked.first, run.asked.last)
        if run.spark:
            run.spark.take_in(run)
        else:
            run.intake = take_in(con, loaded, window, run.run_id, run.progress, run.commit_unsettled)
        take_in_aggregated(con, loaded, window, run.run_id, run.intake)
        if run.asked.full:
            run.cause = "full rebuild"
            if run.held:
                note_renames(con, loaded)
                if run.spark:
                    run.spark.compare(run)
                else:
                    stage = staging(loaded, con, run.run_id)
                    history.compare(con, run.asked.accept_loss, run.asked.keep_missing, stage, run.intake)
        _apply_changed_workspace(run)
        if run.spark and idle(run):
            run.unchanged = True
            return
        changed = run.cause == "workspace changed"
        if run.spark:
            run.spark.deduplicate(run)
        else:
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


@with_news
def ledger_stage(run: Run) -> None:
    """Attribute, price and allocate the requests of the touched days."""
    con, book = run.con, run.book
    assert book is not None
    ledger.name_models(con, book)
    looked_up = [0]
    run.scopes = part_late(con, run.run_id, book.contract)
    for scope in run.scopes:
        for _ in by_days(con, scope.days):
            with run.timed(
                "attribute", lambda scope=scope: run.count(f"select count(*) from records where {scope.records}")
            ):
                ledger.attribute(con, run.loaded, scope)
            with run.timed("price", lambda: looked_up[0]):
                looked_up[0] = ledger.price_requests(con, book, scope)
            with run.timed("allocate"):
                ledger.write_requests(con, run.loaded, scope)
    with run.timed("allocate"):
        spread = run.spark.bear_capacity if run.spark else None
        bear_fixed_costs(con, book, run.loaded.config.reporting.zone, spread)
    for scope in run.scopes:
        with run.timed(
            "allocate",
            lambda scope=scope: run.count(f"select count(*) from allocations where {scope.rows('allocations')}"),
        ):
            run.spark.allocate(run, scope) if run.spark else ledger.allocate(con, scope)
    if any(scope.late for scope in run.scopes):
        touch_late(con)


def check_stage(run: Run) -> dict[str, Broken | None]:
    """Every check of the ledger. The caller publishes nothing when one is broken."""
    if run.unchanged:
        return dict.fromkeys(CHECKS)
    with run.timed("check", lambda: len(CHECKS)):
        return all_broken(run.con, run.scopes)


@with_news
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
        previous = published_until(run)
        restate(con, run.cause, previous, run.held)
        restate_fixed_costs(con, run.cause, previous, run.held)
        day_cells.work_out(con)
        call_cells.work_out(con)


@with_news
def change_stage(run: Run) -> None:
    """What changed: alarms, the bridge from week to week, budgets."""
    with run.timed("change", lambda: sum(len(frame) for frame in run.changed.values())):
        run.decided = decided(run)
        run.changed = changes(run.con, run.loaded, run.as_of or NO_DAY)


@with_news
def split_stage(run: Run) -> None:
    """The capability-split recommendations of the last 28 days."""
    assert run.book is not None
    with run.timed("split", lambda: len(run.split.recommendations.recommendations) if run.split else 0):
        run.split = split(run.con, run.loaded, run.book, run.as_of or NO_DAY)


def publish_stage(run: Run) -> None:
    """Write the set, commit the ledger, swap the pointer. Nothing new: the published set stays."""
    home, con = run.home, run.con
    assert run.book is not None
    if not run.unchanged:
        snapshot.save(home, run.book)
    with run.timed("publish", lambda: len(run.days)):
        if run.unchanged or nothing_new(run):
            run.unchanged = True
            run.lease.fence()
            con.execute("commit")
            run.committed = True
            return
        assert run.split is not None
        (home / "published").mkdir(parents=True, exist_ok=True)
        with published.building(home, run.run_id) as folder:
            if run.spark:
                run.spark.write_segments(run)
                run.spark.keep(run)
            else:
                segments.write_segments(con, home, run.run_id, anew=run.cause == "workspace changed")
            run.result = assemble.assemble(
                con, run.loaded, folder, run.run_id, run.run_id, run.as_of, run.split, run.changed
            )
            put_setting(con, "published", run.run_id)
            put_setting(con, "as_of", str(run.as_of))
            put_setting(con, "exchange", exchange_version(run.loaded))
            put_setting(con, "meaning", run.loaded.meaning())
            put_setting(con, "config", config(run))
            put_setting(con, "decisions", run.decided)
            run.lease.fence()
            con.execute("commit")
            run.committed = True
        run.lease.fence()
        if run.asked.full:
            _replace_ledger(run)
        published.point_to(home, run.run_id)
        published.sweep(home, {run.run_id})
        if run.spark:
            run.spark.sweep(run)


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


def _apply_changed_workspace(run: Run) -> None:
    """Tags, rules, zone, values and priorities apply to all days, from what the ledger holds."""
    before = setting(run.con, "meaning")
    if before is None or before == run.loaded.meaning():
        return
    run.cause = "workspace changed"
    if run.spark:  # works out every day of the lake then
        return
    redate(run.con, run.loaded.config.reporting.timezone)


def _replace_ledger(run: Run) -> None:
    """The rebuilt ledger takes the place of the old one; the lake it names is its own."""
    run.con.close()
    os.replace(run.ledger_file, run.home / "ledger.duckdb")
    for folder in run.home.glob("lake*"):
        if folder != run.lake_root:
            shutil.rmtree(folder, ignore_errors=True)
