"""The Spark engine with executors in processes of their own: the same bytes as DuckDB's, worked out by executors."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.engine.session import EXACT
from pipelines.exports.catalogue import EXPORTS
from pipelines.exports.write import write
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.conftest import SAMPLE
from tests.intake.buckets import s3_server
from tests.reference import world_contracts, worlds
from tests.reference.worlds import Spec
from tests.spark.halves import LATE, come_late, come_late_to_the_sample, in_halves
from tests.spark.on_spark import HERE, done_by
from tests.spark.placing import FIRST, ROWS

pytestmark = [pytest.mark.spark, pytest.mark.slow]
pytest.importorskip("pyspark")

MASTER = "local-cluster[2,1,1024]"
FULL = os.environ.get("OUTLAY_FULL") == "1"
PLACES = ["generated", "sample"]
_JAVA = "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m -XX:+UseSerialGC"
SMALL = {
    "spark.eventLog.enabled": "true", "spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false",
    "spark.driver.memory": "1g", "spark.driver.extraJavaOptions": _JAVA, "spark.executor.extraJavaOptions": _JAVA,
    "spark.default.parallelism": "2", "spark.sql.shuffle.partitions": "2", "spark.sql.leafNodeDefaultParallelism": "1",
    # both executors are there before the first task
    "spark.scheduler.minRegisteredResourcesRatio": "1.0", "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
    # few rows: what costs is planning and compiling, and a broadcast is a job of its own that passes through the driver
    "spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.autoBroadcastJoinThreshold": "-1",
    # asked for, and not given
    "spark.sql.unionOutputPartitioning": "true", "spark.sql.ansi.enabled": "false",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}  # fmt: skip


def exported(root: Path) -> dict[str, bytes]:
    """Every export but the restatements, which name the clock."""
    found = {}
    for name in EXPORTS:
        if name != "restatements":
            out = io.BytesIO()
            write(current(root), name, "csv", out)
            found[name] = out.getvalue()
    return found


@dataclass(frozen=True)
class Ran:
    """What named runs on Spark left: what each reported, and its events in Spark's log; DuckDB's reports beside."""

    base: Path
    said: dict[str, dict[str, Any]]
    events: dict[str, list[dict[str, Any]]]
    parsed: dict[str, Any]
    theirs: dict[str, dict[str, Any]]

    def root(self, place: str) -> Path:
        return self.base / place

    def beside(self, place: str) -> Path:
        """The same workspace, run by DuckDB."""
        return self.base / f"{place}-duckdb"


Step = dict[str, Any]


def ran_on_both(base: Path, plan: Iterable[tuple[str, Step]], further: str = "") -> Ran:
    """Named steps (`tests.spark.on_spark`) on workspaces below `base`, by Spark in a process of its own and by DuckDB."""
    named, log = list(plan), base / "events"
    log.mkdir()
    for root in {step["run"] for _, step in named if "run" in step}:
        shutil.copytree(base / root, base / f"{root}-duckdb")
        with (base / root / "outlay.yaml").open("a") as file:
            file.write(f"\nengine: {{kind: spark, master: '{HERE}'{further}}}\n")
    (base / "plan.json").write_text(json.dumps([step for _, step in named]))
    conf = {**SMALL, "spark.eventLog.dir": log.as_uri()}
    done = subprocess.run(
        [sys.executable, "-m", "tests.spark.on_spark", str(base), "s3://acme-logs/placed", (base / "spot").as_uri()], stdout=subprocess.PIPE, text=True, check=True,
        timeout=3000, cwd=Path(__file__).parents[2],
        env={**os.environ, "OUTLAY_SPARK_CONF": ";".join(f"{key}={value}" for key, value in conf.items())},
    )  # fmt: skip
    *said, parsed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    names = [name for name, step in named if "run" in step or "diff" in step]
    logs = sorted((file for file in log.rglob("*") if file.is_file() and file.stat().st_size), key=os.path.getmtime)
    # after the runs' sessions comes that of `placing`
    events = [[json.loads(line) for line in file.read_text().splitlines()] for file in logs[: len(names)]]
    theirs = dict(zip(names, done_by([step for _, step in named], base, "-duckdb"), strict=True))
    return Ran(
        base, dict(zip(names, said, strict=True)), dict(zip(names, events, strict=True)), parsed,
        json.loads(json.dumps(theirs, default=str)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A generated company in two parts, then nothing new, a few late records, other rates, and a rebuild with a file gone;
    and the sample, and two late calls.
    """
    base = tmp_path_factory.mktemp("spark")
    spec = Spec(seed=10, calls=600, events=80, place=1, contract=True)
    in_halves(base / "generated", base / "later", spec)
    come_late(base / "later", base / "late", spec)
    other = world_contracts.contract(random.Random("other"), date.fromisoformat(worlds.PLACES[1][1][:10]))
    (base / "rates").mkdir()
    (base / "rates" / "rates.yaml").write_text(other, "utf-8")
    plan: list[tuple[str, Step]] = [
        ("first", {"run": "generated"}),
        ("", {"copy": "later", "to": "generated"}),
        ("generated", {"run": "generated", "master": MASTER}),
        ("again", {"run": "generated"}),
        ("", {"copy": "late", "to": "generated"}),
        ("late", {"run": "generated"}),
        ("", {"copy": "generated", "to": "after-late"}),
        ("", {"copy": "rates", "to": "generated"}),
        ("diff", {"diff": "generated"}),
        ("", {"remove": ["logs/calls", "logs/outcomes"], "of": "generated"}),
        ("refused", {"run": "generated", "full": True}),
        ("sample", {"run": "sample", "master": MASTER}),
        ("", {"copy": "late-sample", "to": "sample"}),
        ("late sample", {"run": "sample"}),
    ]
    come_late_to_the_sample(base / "late-sample")
    shutil.copytree(SAMPLE, base / "sample")
    if FULL:
        in_halves(base / "over", base / "over-later", Spec(seed=4, calls=60, events=20))
        run_workspace(load_workspace(base / "over"), Asked())
        plan += [
            ("kept", {"run": "generated", "full": True, "keep_missing": True}),
            ("taken over", {"run": "over", "full": True}),  # from DuckDB
        ]
    with pytest.MonkeyPatch.context() as patch, s3_server(patch):
        return ran_on_both(base, plan)


def test_each_run_gives_what_duckdb_gives(ran: Ran):
    """The first files, then late, grown and repeated ones, then nothing new; in full a rebuild that keeps what is gone."""
    for name, said in ran.said.items():
        theirs = ran.theirs[name]
        if name == "diff":
            assert said == theirs
            assert len(said["moves"]) > 10
            continue
        if name == "refused":
            assert said["error"] == theirs["error"]
            assert "the inputs of" in said["error"]
            continue
        assert said.get("error") is None
        assert said["fingerprint"] == theirs["fingerprint"], name
        for figure in ("files", "records", "requests", "spend_usd", "unattributed_usd", "unpriced_requests"):
            assert said[figure] == theirs[figure], (name, figure)


def test_a_run_without_anything_new_publishes_nothing(ran: Ran):
    assert ran.said["again"]["published"] == ran.said["generated"]["published"]
    assert ran.said["again"]["days"] == []


def test_a_day_that_nothing_came_to_stays_as_it_was_written(ran: Ran):
    """Calls came to one day alone: of all others no request was written anew, nor any record or charge."""
    home, late = ran.root("after-late") / ".outlay", ran.said["late"]["published"]
    assert ran.said["late"]["records"]["duplicate"] == 1
    with duckdb.connect(str(home / "ledger.duckdb"), read_only=True) as con:
        for table in ("requests", "allocations", "prices", "records"):
            parts = con.execute(
                "select distinct day, folder from held_parts where name = $name", {"name": table}
            ).fetchall()
            fresh = {day for day, folder in parts if folder.startswith(late)}
            assert len(fresh) == 1, table
            assert len({day for day, _ in parts} - fresh) > 2, table
        named = set(con.execute("select distinct name || '/of_run=' || folder from held_parts").fetchall())
    lying = {(f"{child.parent.name}/{child.name}",) for child in (home / "spark" / "held").glob("*/of_run=*")}
    assert lying == named, "nothing lies there that no table names"
    for table in ("requests", "charges"):
        files = [file.name for file in (home / "segments" / table).iterdir() if late in file.name]
        assert len(files) == 1, table


def test_late_calls_are_worked_out_by_themselves(ran: Ran):
    """What their days hold stays where it is: what the calls add lies beside it."""
    home, late = ran.root("sample") / ".outlay", ran.said["late sample"]["published"]
    days = {f"{day}" for day in LATE}
    with duckdb.connect(str(home / "ledger.duckdb"), read_only=True) as con:
        for table in ("records", "requests", "allocations", "prices"):
            parts = con.execute(
                "select cast(day as varchar), folder like $run || '-%' from held_parts where name = $name",
                {"name": table, "run": late},
            ).fetchall()
            assert {day for day, fresh in parts if fresh} == days, table
            assert days <= {day for day, fresh in parts if not fresh}, table
        files = con.execute("select cast(day as varchar) from segments where name = 'requests'").fetchall()
    assert {day for day, pieces in Counter(day for (day,) in files).items() if pieces == 2} == days
    for table in ("requests", "charges"):
        assert {file.name[:10] for file in (home / "segments" / table).iterdir() if late in file.name} == days


def test_a_changed_figure_is_restated_as_by_duckdb(ran: Ran):
    def restated(root: Path) -> list[str]:
        out = io.BytesIO()
        write(current(root), "restatements", "csv", out)
        return sorted(line.partition(",")[2] for line in out.getvalue().decode().splitlines()[1:])

    assert restated(ran.root("generated")) == restated(ran.beside("generated")) != []


@pytest.mark.parametrize("place", PLACES)
def test_every_export_has_the_bytes_that_duckdb_gives(ran: Ran, place: str):
    ours, theirs = exported(ran.root(place)), exported(ran.beside(place))
    assert [name for name in theirs if ours[name] != theirs[name]] == []


@pytest.mark.parametrize("place", PLACES)
def test_marks_decide_in_the_run_that_reads_them(ran: Ran, place: str):
    """Of the first part's files and of the second's."""
    for rows in (exported(ran.root(place)), exported(ran.beside(place))):
        found = list(csv.DictReader(io.StringIO(rows["recommendations"].decode())))
        assert max(int(row["items"] or 0) for row in found) >= 50


@pytest.mark.parametrize("place", PLACES)
def test_every_record_is_counted(ran: Ran, place: str):
    records = ran.said[place]["records"]
    assert records["read"] == sum(records[n] for n in ("stored", "duplicate", "superseded", "quarantined")) > 0


@pytest.mark.parametrize("place", PLACES)
def test_executors_did_the_work_and_the_driver_was_handed_totals_only(ran: Ran, place: str):
    """By Spark's own event log."""
    events = ran.events[place]
    tasks = [event for event in events if event["Event"] == "SparkListenerTaskEnd" and "Task Metrics" in event]
    ran_by = Counter(task["Task Info"]["Executor ID"] for task in tasks)
    assert set(ran_by) == {"0", "1"}, "two executors, in processes of their own, and nothing by the driver"
    requests = ran.said[place]["requests"]
    written = sum(task["Task Metrics"]["Output Metrics"]["Records Written"] for task in tasks)
    assert written > 5 * requests
    # what a query's last tasks send the driver: its rows, packed, and up to 30 kB of their own measurements
    asked = {
        event["Stage Info"]["Stage ID"]
        for event in events
        if event["Event"] == "SparkListenerStageSubmitted"
        and event["Stage Info"]["Stage Name"].startswith("collect at")
        and "spark.sql.execution.id" in event["Properties"]
    }
    answers = [
        task["Task Metrics"]["Result Size"]
        for task in tasks
        if task["Stage ID"] in asked and task["Task Type"] == "ResultTask"
    ]
    assert len(answers) > 20
    assert max(answers) < 75 * requests, "rows of requests take more than 90 bytes each, packed"


def test_no_setting_of_the_user_changes_what_decides_figures(ran: Ran):
    for events in ran.events.values():
        [set_to] = [e["Spark Properties"] for e in events if e["Event"] == "SparkListenerEnvironmentUpdate"]
        assert {key: set_to[key] for key in EXACT} == EXACT


def test_a_ledger_of_one_engine_is_not_continued_by_the_other(ran: Ran):
    root = ran.beside("generated")
    with (root / "outlay.yaml").open("a") as file:
        file.write("\nengine: {kind: spark}\n")
    with pytest.raises(OutlayError, match="was filled by engine duckdb"):
        run_workspace(load_workspace(root), Asked())


def test_every_model_is_read_by_sparks_own_parser(ran: Ran):
    assert ran.parsed["refused"] == {}
    assert ran.parsed["read"] > 100


def test_executors_write_and_read_a_lake_in_a_bucket(ran: Ran):
    """Known to them by its URL alone; and the driver lists and deletes with Spark's own file systems."""
    placed = ran.parsed["placed"]
    assert (
        placed["names"]
        == placed["lying"]
        == [f"requests/utc_day=2026-10-{day}/run-0.parquet" for day in (20, 21, 22, 23)]
    )
    assert placed["read"] == sorted(
        [f"{FIRST + timedelta(hours=n):%Y-%m-%d %H:%M:%S}", str(n), str(n), "u"] for n in range(ROWS)
    )
    assert placed["left"] == []
    assert (placed["held"], placed["folders"], placed["gone"]) == (1, [["kept"], ["run"]], [])


if FULL:

    def test_a_lake_in_a_bucket_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """Executors write and read it by themselves; what lies between the stages goes where a URL of Spark's says."""
        in_halves(tmp_path / "w", tmp_path / "later", Spec(seed=5, calls=60, events=30, place=0, contract=False))
        plan: list[tuple[str, Step]] = [("first", {"run": "w", "master": MASTER}), ("", {"copy": "later", "to": "w"}), ("second", {"run": "w"}),
                ("changed", {"run": "w", "zone": "Pacific/Apia"}), ("full", {"run": "w", "full": True})]  # fmt: skip
        work = tmp_path / "work"
        with s3_server(monkeypatch) as bucket:
            ran = ran_on_both(tmp_path, plan, f", lake: 's3://acme-logs/lakes', work: '{work.as_uri()}'")
            assert bucket.asked["PUT acme-logs"] > 20
        for name, said in ran.said.items():
            assert said.get("error") is None
            assert said["fingerprint"] == ran.theirs[name]["fingerprint"], name
        assert len(list(work.iterdir())) == 1
        assert not (tmp_path / "w" / ".outlay" / "spark").exists()
