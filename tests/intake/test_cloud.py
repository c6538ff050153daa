"""Logs in a bucket: read like local ones, never twice, and never without saying what is wrong."""

import gzip
import io
import json
import resource
import sys
import time
from datetime import date
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.workspace.errors import OutlayError
from tests.intake.buckets import BUCKET, SECRET, Bucket
from tests.workspaces import Bench, call, event

CALLS = {"name": "calls", "kind": "requests", "path": f"s3://{BUCKET}/calls/**/*.jsonl"}
OUTCOMES = {"name": "outcomes", "kind": "outcomes", "path": f"s3://{BUCKET}/outcomes/*.jsonl"}


def in_cloud(root: Path, *sources: dict) -> Bench:
    return Bench(root, {"sources": list(sources or (CALLS,))})


def refusals(bench: Bench) -> list[tuple[str, int | None, str]]:
    with bench.published.connect() as con:
        return con.execute("select file, line, reason from quarantine order by all").fetchall()


def test_moving_logs_to_a_bucket_changes_no_fingerprint(tmp_path: Path, bucket: Bucket) -> None:
    local = Bench(tmp_path / "local")
    local.calls(call("r1"), call("r2", unit_id="d2"), call("r1"), "no json")
    local.calls(call("r3", unit_id="d3", time="2026-10-21T10:00:00Z"), file="b.jsonl.gz")
    local.outcomes(event("e1"), event("e2", unit_id="d2"))
    for path in (local.root / "logs").rglob("*.*"):
        bucket.put(path.relative_to(local.root / "logs").as_posix(), path.read_bytes())
    there = in_cloud(tmp_path / "cloud", CALLS, OUTCOMES)
    first, second = local.run(), there.run()
    counts = {"read": 7, "stored": 5, "duplicate": 1, "superseded": 0, "quarantined": 1}
    assert first["records"] == second["records"] == counts
    assert second["files"] == {"read": 3, "unchanged": 0, "refused": 0}
    assert there.fingerprint() == local.fingerprint()

    local.config["sources"] = there.config["sources"]
    local.save()
    moved = local.run()
    assert (moved["records"]["stored"], moved["records"]["duplicate"]) == (0, 6)
    assert [row["cost_usd"] for row in local.export("requests")] == [
        row["cost_usd"] for row in there.export("requests")
    ]
    assert local.export("daily_cost") == there.export("daily_cost")


def test_an_unchanged_object_is_never_read_again(tmp_path: Path, bucket: Bucket) -> None:
    for n in range(5):
        bucket.put(f"calls/{n}.jsonl", [call(f"r{n}")])
    bench = in_cloud(tmp_path)
    bench.run()
    assert bucket.keys_read() == [f"calls/{n}.jsonl" for n in range(5)]
    assert bench.run()["files"] == {"read": 0, "unchanged": 5, "refused": 0}
    assert bucket.keys_read() == []

    bucket.put("calls/3.jsonl", [call("r3"), call("r30", unit_id="d30")])
    changed = bench.run()
    assert bucket.keys_read() == ["calls/3.jsonl"]
    assert changed["files"] == {"read": 1, "unchanged": 4, "refused": 0}
    assert changed["records"] == {"read": 2, "stored": 1, "duplicate": 1, "superseded": 0, "quarantined": 0}


def test_another_etag_of_the_same_content_is_read_once_and_taken_as_known(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("calls/a.jsonl", [call("r1")])
    bench = in_cloud(tmp_path)
    bench.run()
    bucket.keys_read()
    client = boto3.client("s3", endpoint_url=bucket.endpoint)
    where = {"Bucket": BUCKET, "Key": "calls/a.jsonl"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    body = (json.dumps(call("r1")) + "\n").encode()
    part = client.upload_part(**where, UploadId=upload, PartNumber=1, Body=body)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    etag = client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)["ETag"]
    assert etag.endswith('-1"')
    client.close()
    again = bench.run()
    assert (bucket.keys_read(), again["files"]["unchanged"], again["records"]["read"]) == (["calls/a.jsonl"], 1, 0)
    bench.run()
    assert bucket.keys_read() == []


def test_a_late_object_under_an_old_date_is_found(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("calls/2026/10/20/a.jsonl", [call("r1")])
    bucket.put("calls/2026/11/20/b.jsonl", [call("r2", unit_id="d2", time="2026-11-20T10:00:00Z")])
    bench = in_cloud(tmp_path)
    bench.run()
    bucket.keys_read()
    bucket.put("calls/2024/01/02/late.jsonl", [call("r3", unit_id="d3", time="2024-01-02T10:00:00Z")])
    late = bench.run()
    assert (late["days"], late["files"]["read"], bucket.keys_read()) == (
        ["2024-01-02"], 1, ["calls/2024/01/02/late.jsonl"],
    )  # fmt: skip


def test_a_window_neither_lists_nor_reads_other_dates_and_loses_none(tmp_path: Path, bucket: Bucket) -> None:
    days = [
        "2025-12-31",
        "2026-09-30",
        "2026-10-17",
        "2026-10-18",
        "2026-10-19",
        "2026-10-20",
        "2026-10-21",
        "2026-11-05",
    ]
    keys = {day: f"calls/team-a/{day.replace('-', '/')}/x.jsonl" for day in days}
    for day, key in keys.items():
        bucket.put(key, [call(f"r{day}", unit_id=day, time=f"{day}T10:00:00Z")])
    # a writer in another zone: the record belongs to the day before the one its folder says
    west = json.dumps(call("west", time="2026-10-19T23:30:00Z")).encode()
    bucket.put(keys["2026-10-20"] + ".gz", gzip.compress(west))
    bench = in_cloud(tmp_path)
    window = bench.run(first=date(2026, 10, 18), last=date(2026, 10, 19))
    assert bucket.prefixes_listed() == [
        "calls/", "calls/team-a/", "calls/team-a/2025/", "calls/team-a/2026/", "calls/team-a/2026/10/",
        *(f"calls/team-a/2026/10/{day}/" for day in (17, 18, 19, 20)),
    ]  # fmt: skip
    read = [keys[f"2026-10-{day}"] for day in (17, 18, 19, 20)]
    assert bucket.keys_read() == sorted([*read, keys["2026-10-20"] + ".gz"])
    assert (window["records"]["stored"], window["days"]) == (3, ["2026-10-18", "2026-10-19"])
    assert window["skipped"]["records_outside"] == 2
    assert window["skipped"]["folders_outside"] == {"calls": 4}  # 2025/12, 2026/09, 2026/10/21, 2026/11
    rest = bench.run()
    assert rest["records"]["stored"] == len(days) + 1 - 3
    whole = in_cloud(tmp_path / "whole")
    whole.run()
    assert whole.fingerprint() == bench.fingerprint()


def test_packed_and_damaged_objects_are_told_apart_and_named_by_url(tmp_path: Path, bucket: Bucket) -> None:
    lines, others = (
        "".join(json.dumps(call(f"{name}{n}", unit_id=f"d{n}")) + "\n" for n in range(200)).encode() for name in "rs"
    )
    bucket.put("calls/a/one.jsonl.gz", gzip.compress(lines))
    bucket.put("calls/b/two.jsonl.zst", zstandard.compress(others))
    cut = bucket.put("calls/c/cut.jsonl.gz", gzip.compress(lines)[:-20])
    wide = bucket.put("calls/d/wide.jsonl", "{}".encode("utf-16"))
    odd = bucket.put("calls/e/odd.jsonl", [call("t1"), {"request_id": "t2"}])
    bucket.put("calls/f/empty.jsonl", b"")
    bench = in_cloud(tmp_path)
    done = bench.run()
    assert done["files"] == {"read": 4, "unchanged": 0, "refused": 2}
    assert done["records"] == {"read": 402, "stored": 401, "duplicate": 0, "superseded": 0, "quarantined": 1}
    found = refusals(bench)
    assert [(file, line) for file, line, _ in found] == [(cut, None), (wide, None), (odd, 2)]
    assert [reason for _, line, reason in found if line is None] == [
        "gzip: truncated or damaged",
        "UTF-16: expected UTF-8",
    ]
    again = bench.run()
    assert (again["files"], again["records"]["read"]) == ({"read": 0, "unchanged": 4, "refused": 2}, 0)


@pytest.mark.parametrize("size", [300 << 20, 3 << 30], ids=["held", "streamed"])
def test_a_bomb_in_a_bucket_stops_in_seconds_and_megabytes(tmp_path: Path, bucket: Bucket, size: int) -> None:
    packed = gzip.compress(b"0" * (1 << 20))
    bomb = bucket.put("calls/bomb.jsonl.gz", packed * (size >> 20))
    bucket.put("calls/good.jsonl", [call("r1")])
    bench = in_cloud(tmp_path)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    done = bench.run()
    assert done["records"]["stored"] == 1
    assert refusals(bench) == [(bomb, None, "gzip: unpacks to more than 200 times its size")]
    assert time.process_time() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 << 10


def test_a_long_object_is_streamed_and_known_again(tmp_path: Path, bucket: Bucket) -> None:
    records = [call(f"r{n}", unit_id=f"d{n % 50}", note="x" * 400) for n in range(4000)]
    bucket.put("calls/long.jsonl", records)
    bench = in_cloud(tmp_path)
    assert bench.run()["records"]["stored"] == 4000
    assert bench.run()["files"] == {"read": 0, "unchanged": 1, "refused": 0}
    bucket.put("calls/long.jsonl", [*records, call("last")])
    assert bench.run()["records"] == {
        "read": 4001, "stored": 1, "duplicate": 4000, "superseded": 0, "quarantined": 0,
    }  # fmt: skip


def test_a_parquet_object_is_read(tmp_path: Path, bucket: Bucket) -> None:
    events = [event(f"e{n}", unit_id=f"d{n}") for n in range(3)]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(events), out)
    bucket.put("outcomes/o.parquet", out.getvalue())
    bench = in_cloud(tmp_path, CALLS, OUTCOMES | {"path": f"s3://{BUCKET}/outcomes/*.parquet"})
    bucket.put("calls/a.jsonl", [call("r1")])
    assert bench.run()["records"]["stored"] == 4


def test_the_date_in_the_key_is_the_time_where_a_record_has_none_and_the_bucket_says_nothing(
    tmp_path: Path, bucket: Bucket
) -> None:
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "usage": {"input_tokens": 10, "output_tokens": 2},
    }  # fmt: skip
    bucket.put("anthropic/dt=2026-10-20/a.jsonl", [message])
    source = {"name": "calls", "kind": "anthropic", "path": f"s3://{BUCKET}/anthropic/**/*.jsonl"}
    bench = in_cloud(tmp_path, source)
    bench.run()
    assert [row["time"][:10] for row in bench.export("requests")] == ["2026-10-20"]


def test_an_archived_object_is_refused_and_looked_at_again(tmp_path: Path, bucket: Bucket) -> None:
    cold = bucket.put("calls/cold.jsonl", [call("r1")])
    bucket.put("calls/warm.jsonl", [call("r2", unit_id="d2")])
    bucket.archive("calls/cold.jsonl")
    bench = in_cloud(tmp_path)
    done = bench.run()
    assert (done["records"]["stored"], done["files"]["refused"]) == (1, 1)
    assert refusals(bench) == [(cold, None, "archived in cold storage: restore it and run again")]
    bucket.put("calls/cold.jsonl", [call("r1")])
    assert bench.run()["records"]["stored"] == 1
    assert refusals(bench) == []


def test_a_bucket_that_is_not_there_fails_the_run_and_the_check_with_the_source(tmp_path: Path, bucket: Bucket) -> None:
    bench = in_cloud(tmp_path, CALLS | {"path": "s3://no-such-bucket/calls/*.jsonl"})
    with pytest.raises(OutlayError, match=r"source calls: s3://no-such-bucket/calls/\*.jsonl: not found"):
        bench.run()
    checked = CliRunner().invoke(app, ["--workspace", str(bench.root), "--json", "check"])
    assert checked.exit_code == 2
    assert json.loads(checked.stdout)["errors"] == [
        "sources.calls: s3://no-such-bucket/calls/*.jsonl: not found (bucket no-such-bucket)"
    ]


def test_a_prefix_without_objects_is_a_warning_as_logs_may_still_come(tmp_path: Path, bucket: Bucket) -> None:
    bench = in_cloud(tmp_path)
    checked = CliRunner().invoke(app, ["--workspace", str(bench.root), "--json", "check"])
    assert (checked.exit_code, json.loads(checked.stdout)["errors"]) == (0, [])
    assert f"sources.calls: no file matches {CALLS['path']}" in json.loads(checked.stdout)["warnings"]


def test_without_the_client_run_and_check_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    bench = in_cloud(tmp_path)
    said = "s3:// needs the package s3fs, which is not installed: pip install 'outlay[cloud]'"
    checked = CliRunner().invoke(app, ["--workspace", str(bench.root), "--json", "check"])
    assert (checked.exit_code, json.loads(checked.stdout)["errors"]) == (2, [f"sources.calls: {said}"])
    ran = CliRunner().invoke(app, ["--workspace", str(bench.root), "--json", "run"])
    assert (ran.exit_code, json.loads(ran.stdout)) == (1, {"error": f"source calls: {said}"})


def test_no_credential_reaches_anything_that_is_written_or_said(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket.put("calls/a.jsonl", [call("r1"), {"request_id": "odd"}])
    bench = in_cloud(tmp_path)
    assert CliRunner().invoke(app, ["--workspace", str(bench.root), "run"]).exit_code == 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://someone:{SECRET}@127.0.0.1:9")
    failed = CliRunner().invoke(app, ["--workspace", str(bench.root), "--json", "run"])
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["error"].startswith(f"source calls: {CALLS['path']}: can't be read (")
    said = capfd.readouterr()
    assert SECRET not in failed.output + said.out + said.err
    written = [path for path in bench.root.rglob("*") if path.is_file()]
    assert len(written) > 5
    for path in written:
        content = path.read_bytes()
        assert SECRET.encode() not in content, path
        assert b"CANARYACCESSKEYID000" not in content, path


def test_a_later_pull_of_a_bill_replaces_the_earlier_one_though_the_bills_have_moved(
    tmp_path: Path, bucket: Bucket
) -> None:
    days = "day,workflow,completed,failed,rejected\n2026-10-20,review,{},0,0\n"
    counts = {"name": "counts", "kind": "outcome-counts", "path": "usage/*.csv"}
    workflows = {"review": {"unit": "document", "grain": "day"}}
    bench = Bench(tmp_path, {"sources": [CALLS, counts], "workflows": workflows})
    bucket.put("calls/a.jsonl", [call("r1", unit_id=None)])
    bench.lines("usage/2.csv", [days.format(5)])
    bench.run()
    bucket.put("usage/2.csv", days.format(5))
    bucket.put("usage/3.csv", days.format(7))
    bench.config["sources"][1]["path"] = f"s3://{BUCKET}/usage/*.csv"
    bench.save()
    bench.run()
    assert [row["outcomes"] for row in bench.export("daily_cost")] == ["7"]
