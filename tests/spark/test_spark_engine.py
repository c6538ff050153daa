"""The Spark engine with executors in processes of their own: the same bytes as DuckDB's, worked out by executors."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.exports.fingerprint import fingerprint
from pipelines.exports.tables import EXPORTS
from pipelines.exports.write import write
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.conftest import SAMPLE
from tests.reference.worlds import Spec, make

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.xdist_group("spark")]
pytest.importorskip("pyspark")

MASTER = "local-cluster[2,1,1024]"
FULL = os.environ.get("OUTLAY_FULL") == "1"
PLACES = ["generated", "sample"] if FULL else ["generated"]
_JAVA = "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SMALL = {
    "spark.eventLog.enabled": "true", "spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false",
    "spark.driver.memory": "1g", "spark.driver.extraJavaOptions": _JAVA, "spark.executor.extraJavaOptions": _JAVA,
    "spark.default.parallelism": "2", "spark.sql.shuffle.partitions": "2", "spark.sql.leafNodeDefaultParallelism": "1",
    # both executors are there before the first task
    "spark.scheduler.minRegisteredResourcesRatio": "1.0", "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
    # few rows: what costs is planning and compiling, and a broadcast is a job of its own that passes through the driver
    "spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.autoBroadcastJoinThreshold": "-1",
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


def named_spark(root: Path) -> Path:
    with (root / "outlay.yaml").open("a") as file:
        file.write(f"\nengine: {{kind: spark, master: '{MASTER}'}}\n")
    return root


@dataclass(frozen=True)
class Ran:
    """What the runs left: workspaces by name, what each run reported, Spark's event logs in the order of the runs."""

    roots: dict[str, Path]
    said: dict[str, dict[str, Any]]
    events: dict[str, list[dict[str, Any]]]
    parsed: dict[str, Any]

    def beside(self, place: str) -> Path:
        """The same workspace, run by DuckDB."""
        return self.roots[place].with_name(f"{place}-duckdb")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A generated company, and in full the sample, each run by both engines."""
    base = tmp_path_factory.mktemp("spark")
    log = base / "events"
    log.mkdir()
    roots = {place: base / place for place in PLACES}
    make(roots["generated"], Spec(seed=3, calls=600, events=80, place=1, contract=False))
    if FULL:
        shutil.copytree(SAMPLE, roots["sample"])
    for place, root in roots.items():
        shutil.copytree(root, base / f"{place}-duckdb")
        named_spark(root)
        run_workspace(load_workspace(base / f"{place}-duckdb"), Asked())
    conf = ";".join(f"{key}={value}" for key, value in {**SMALL, "spark.eventLog.dir": log.as_uri()}.items())
    done = subprocess.run(
        [sys.executable, "-m", "tests.spark.on_spark", *map(str, roots.values())], stdout=subprocess.PIPE, text=True,
        check=True, timeout=1800, cwd=Path(__file__).parents[2], env={**os.environ, "OUTLAY_SPARK_CONF": conf},
    )  # fmt: skip
    *said, parsed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [each.get("error") for each in said] == [None] * len(roots)
    logs = sorted((file for file in log.rglob("*") if file.is_file() and file.stat().st_size), key=os.path.getmtime)
    events = [[json.loads(line) for line in file.read_text().splitlines()] for file in logs]
    return Ran(roots, dict(zip(roots, said, strict=True)), dict(zip(roots, events, strict=True)), parsed)


@pytest.mark.parametrize("place", PLACES)
def test_every_export_has_the_bytes_that_duckdb_gives(ran: Ran, place: str):
    ours, theirs = exported(ran.roots[place]), exported(ran.beside(place))
    assert [name for name in theirs if ours[name] != theirs[name]] == []
    assert fingerprint(current(ran.roots[place])) == fingerprint(current(ran.beside(place)))


@pytest.mark.parametrize("place", PLACES)
def test_every_record_is_counted_as_by_duckdb(ran: Ran, place: str):
    said = ran.said[place]
    records = said["records"]
    assert records["read"] == sum(records[n] for n in ("stored", "duplicate", "superseded", "quarantined")) > 0
    again = run_workspace(load_workspace(ran.beside(place)), Asked())
    assert [said[n] for n in ("requests", "spend_usd", "unattributed_usd")] == [
        again[n] for n in ("requests", "spend_usd", "unattributed_usd")
    ]


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


def test_a_ledger_of_one_engine_is_not_continued_by_the_other(ran: Ran):
    root = named_spark(ran.beside("generated"))
    with pytest.raises(OutlayError, match="was filled by engine duckdb"):
        run_workspace(load_workspace(root), Asked())


def test_every_model_is_read_by_sparks_own_parser(ran: Ran):
    assert ran.parsed["refused"] == {}
    assert ran.parsed["read"] > 100
