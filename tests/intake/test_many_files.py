"""A gateway that writes a file a request: a hundred thousand of them are read in seconds, and none is mistaken."""

import gzip
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import fsspec  # noqa: F401
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipelines.intake.joined import Joined
from pipelines.run import intake_stage
from pipelines.running import Asked, open_run
from tests.intake.buckets import BUCKET, Bucket
from tests.workspaces import Bench, call

FULL = os.environ.get("OUTLAY_FULL") == "1"


def gateway(count: int) -> Iterator[tuple[str, bytes]]:
    """One object a request, as gateways name them."""
    for n in range(count):
        day = f"2026-10-{1 + n % 28:02}"
        record = call(f"r{n}", unit_id=f"d{n % 500}", time=f"{day}T10:00:00Z")
        yield f"calls/{day.replace('-', '/')}/{n:06}.json", json.dumps(record).encode()


def source(path: str) -> dict[str, Any]:
    return {"sources": [{"name": "calls", "kind": "requests", "path": path}]}


def quarantined(bench: Bench) -> list[tuple[str, int | None, str]]:
    with bench.published.connect() as con:
        return con.execute("select file, line, reason from quarantine order by all").fetchall()


def test_small_files_read_together_say_what_each_says_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents: dict[str, bytes] = {
        f"{n:03}.jsonl": "".join(json.dumps(call(f"r{n}-{i}", unit_id=f"d{n}")) + "\n" for i in range(n % 4)).encode()
        for n in range(40)
    }
    contents["005.jsonl"] = json.dumps(call("no line feed", unit_id="x1")).encode()
    contents["006.jsonl"] = b"\n\n" + json.dumps(call("after blank lines", unit_id="x2")).encode() + b"\n"
    contents["007.jsonl"] = json.dumps(call("r1-0", unit_id="d1")).encode() + b"\r\n{broken\n" + b"[1]\n"
    contents["008.jsonl"] = b"\xef\xbb\xbf" + json.dumps(call("marked", unit_id="x3")).encode()
    contents["009.jsonl.gz"] = gzip.compress(json.dumps(call("packed", unit_id="x4")).encode())
    contents["010.jsonl.gz"] = gzip.compress(contents["011.jsonl"])[:-6]
    contents["012.jsonl"] = "{}".encode("utf-16")
    contents["013.jsonl"] = json.dumps(call("bad byte")).encode().replace(b"bad", b"b\xffd") + b"\n"
    contents["014.jsonl"] = json.dumps(call("too many", input_tokens=-1)).encode()
    bench, alone = (Bench(tmp_path / name, source("logs/calls/*.jsonl")) for name in ("together", "alone"))
    for name, content in contents.items():
        bench.calls(file=name).write_bytes(content)
        alone.calls(file=name).write_bytes(content)
    done = bench.run()
    with monkeypatch.context() as patch:
        patch.setattr(Joined, "takes", lambda *_: False)
        assert alone.run()["records"] == done["records"]
    assert done["files"] == {"read": 40, "unchanged": 0, "refused": 2}
    assert bench.fingerprint() == alone.fingerprint()
    assert quarantined(bench) == quarantined(alone)
    assert [(file.rpartition("/")[2], line) for file, line, _ in quarantined(bench)] == [
        ("007.jsonl", 2), ("007.jsonl", 3), ("010.jsonl.gz", None), ("012.jsonl", None), ("013.jsonl", 1), ("014.jsonl", 1),
    ]  # fmt: skip


def test_a_window_over_small_files_takes_its_days_and_later_the_others(tmp_path: Path) -> None:
    bench = Bench(tmp_path, source("logs/calls/*.jsonl"))
    for n in range(1000):
        bench.calls(call(f"r{n}", time=f"2026-10-{20 + n % 2}T10:00:00Z"), file=f"{n}.jsonl")
    first = bench.run(first=date(2026, 10, 20), last=date(2026, 10, 20))
    assert (first["records"]["stored"], first["skipped"]["records_outside"]) == (500, 500)
    second = bench.run()
    assert second["records"] == {"read": 500, "stored": 500, "duplicate": 0, "superseded": 0, "quarantined": 0}
    assert bench.run()["files"]["unchanged"] == 1000


class Elsewhere(MemoryFileSystem):
    """A bucket in memory, behind the seam that every cloud path goes through."""

    protocol = "abfs"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    reads = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("abfs://").strip("/") if path.strip("/") else ""

    def cat_file(self, *args: Any, **kwargs: Any) -> bytes:
        type(self).reads += 1
        return super().cat_file(*args, **kwargs)


@pytest.mark.slow
def test_a_hundred_thousand_objects_of_one_record_are_read_in_seconds_and_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 100_000
    monkeypatch.setitem(sys.modules["fsspec.registry"]._registry, "abfs", Elsewhere)
    here = Elsewhere(skip_instance_cache=True)
    Elsewhere.store.clear()
    for key, content in gateway(count):
        here.pipe_file(f"/acme/{key}", content)
    bench = Bench(tmp_path, source("abfs://acme/calls/**/*.json"))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    done = stage_only(bench)
    assert (done["read"], done["stored"], Elsewhere.reads) == (count, count, count)
    assert time.process_time() - started < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_200 << 10
    Elsewhere.reads = 0
    assert stage_only(bench)["read"] == 0
    assert Elsewhere.reads == 0
    Elsewhere.store.clear()


def stage_only(bench: Bench) -> dict[str, int]:
    """The intake stage of a run, committed: what lies behind it knows no files."""
    with open_run(bench.loaded, Asked()) as run:
        intake_stage(run)
        run.con.execute("commit")
        run.committed = True
        return run.intake.records()


@pytest.mark.slow
def test_a_bucket_of_many_objects_is_asked_for_each_once(tmp_path: Path, bucket: Bucket) -> None:
    count = 100_000 if FULL else 1_000
    for key, content in gateway(count):
        bucket.put(key, content)
    bench = Bench(tmp_path, source(f"s3://{BUCKET}/calls/**/*.json"))
    assert bench.run()["records"]["stored"] == count
    listings = sum(times for name, times in bucket.asked.items() if name.startswith("list "))
    gets = {times for name, times in bucket.asked.items() if name.startswith("get ")}
    assert (len(bucket.keys_read()), gets) == (count, {1})
    assert listings <= 2 * (count // 1000 + 1)
    bench.run()
    assert bucket.keys_read() == []


def test_a_file_a_request_on_the_local_disk_costs_no_more_than_its_record(tmp_path: Path) -> None:
    count = 100_000 if FULL else 5_000
    bench = Bench(tmp_path, source("calls/**/*.json"))
    for key, content in gateway(count):
        path = bench.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    started = time.process_time()
    assert stage_only(bench)["stored"] == count
    assert time.process_time() - started < 3 + count / 2_500
    started = time.process_time()
    assert stage_only(bench)["read"] == 0
    assert time.process_time() - started < 2 + count / 10_000
