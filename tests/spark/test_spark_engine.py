"""The Spark engine with executors in processes of their own: the same bytes as DuckDB's, worked out by executors."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
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
SMALL = {
    "spark.sql.shuffle.partitions": "1", "spark.default.parallelism": "2", "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false", "spark.driver.memory": "1g",
    # few rows: what costs is planning and compiling
    "spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
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


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The sample and a generated company, each run by both engines."""
    base = tmp_path_factory.mktemp("spark")
    log = base / "events"
    log.mkdir()
    roots = [base / "sample", base / "world"]
    shutil.copytree(SAMPLE, roots[0])
    make(roots[1], Spec(seed=3, calls=40, events=35, place=1, contract=False))
    for root in roots:
        shutil.copytree(root, root.with_name(f"{root.name}-duckdb"))
        named_spark(root)
        run_workspace(load_workspace(root.with_name(f"{root.name}-duckdb")), Asked())
    conf = ";".join(f"{key}={value}" for key, value in {**SMALL, "spark.eventLog.dir": log.as_uri()}.items())
    done = subprocess.run(
        [sys.executable, "-m", "tests.spark.on_spark", *map(str, roots)], stdout=subprocess.PIPE, text=True, check=True,
        timeout=900, cwd=Path(__file__).parents[2], env={**os.environ, "OUTLAY_SPARK_CONF": conf},
    )  # fmt: skip
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [each.get("error") for each in said] == [None, None]
    return {"roots": roots, "said": said, "log": log}


@pytest.mark.parametrize("place", [0, 1], ids=["sample", "generated"])
def test_every_export_has_the_bytes_that_duckdb_gives(ran, place: int):
    root = ran["roots"][place]
    other = root.with_name(f"{root.name}-duckdb")
    ours, theirs = exported(root), exported(other)
    assert [name for name in theirs if ours[name] != theirs[name]] == []
    assert fingerprint(current(root)) == fingerprint(current(other))


@pytest.mark.parametrize("place", [0, 1], ids=["sample", "generated"])
def test_every_record_is_counted_as_by_duckdb(ran, place: int):
    root, said = ran["roots"][place], ran["said"][place]
    records = said["records"]
    assert records["read"] == sum(records[n] for n in ("stored", "duplicate", "superseded", "quarantined")) > 0
    again = run_workspace(load_workspace(root.with_name(f"{root.name}-duckdb")), Asked())
    assert [said[n] for n in ("requests", "spend_usd", "unattributed_usd")] == [
        again[n] for n in ("requests", "spend_usd", "unattributed_usd")
    ]


def test_executors_did_the_work_and_the_driver_was_handed_totals_only(ran):
    """By Spark's own event log of the sample's run."""
    logs = sorted(
        (file for file in ran["log"].rglob("*") if file.is_file() and file.stat().st_size), key=os.path.getmtime
    )
    events = [json.loads(line) for line in logs[0].read_text().splitlines()]
    tasks = [event for event in events if event["Event"] == "SparkListenerTaskEnd"]
    ran_by = Counter(task["Task Info"]["Executor ID"] for task in tasks)
    assert set(ran_by) == {"0", "1"}, "two executors, in processes of their own, and nothing by the driver"
    requests = ran["said"][0]["requests"]
    written = sum(task["Task Metrics"]["Output Metrics"]["Records Written"] for task in tasks if "Task Metrics" in task)
    assert written > 5 * requests
    answers = [task["Task Metrics"]["Result Size"] for task in tasks if "Task Metrics" in task]
    assert max(answers) < 200_000, "no task's answer holds rows of requests"


def test_a_ledger_of_one_engine_is_not_continued_by_the_other(ran):
    root = ran["roots"][1].with_name("world-duckdb")
    named_spark(root)
    with pytest.raises(OutlayError, match="was filled by engine duckdb"):
        run_workspace(load_workspace(root), Asked())


def test_every_model_is_read_by_sparks_own_parser():
    done = subprocess.run(
        [sys.executable, "-m", "tests.spark.parsing"], stdout=subprocess.PIPE, text=True, check=True, timeout=600,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    assert said["refused"] == {}
    assert said["read"] > 100
