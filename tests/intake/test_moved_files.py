"""A file that moved says nothing twice, not even of what was refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from tests.workspaces import Bench, call

BAD = ["{", '{"request_id": 5}']


def read_of(bench: Bench) -> list[dict[str, Any]]:
    con = bench.published.connect()
    try:
        return (
            con.sql("select records_read, stored, duplicate, quarantined, refused_files from sources_health")
            .pl()
            .to_dicts()
        )
    finally:
        con.close()


def refused_of(bench: Bench) -> list[tuple[str, int | None]]:
    con = bench.published.connect()
    try:
        return con.execute("select file, line from quarantine order by all").fetchall()
    finally:
        con.close()


def moved(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def test_what_a_moved_file_refuses_is_counted_once(bench: Bench):
    path = bench.calls(call("r1"), *BAD, call("r2"))
    bench.run()
    before = bench.fingerprint()
    assert refused_of(bench) == [("logs/calls/a.jsonl", 2), ("logs/calls/a.jsonl", 3)]
    moved(path, "old.jsonl")
    assert bench.run()["records"] == {"read": 4, "stored": 0, "duplicate": 2, "superseded": 0, "quarantined": 2}
    assert refused_of(bench) == [("logs/calls/old.jsonl", 2), ("logs/calls/old.jsonl", 3)]
    assert read_of(bench)[0]["quarantined"] == 2
    assert bench.fingerprint() == before
    again = bench.run()
    assert again["files"]["read"] == 0
    assert refused_of(bench) == [("logs/calls/old.jsonl", 2), ("logs/calls/old.jsonl", 3)]
    bench.run(full=True)
    assert refused_of(bench) == [("logs/calls/old.jsonl", 2), ("logs/calls/old.jsonl", 3)]


def test_a_copy_beside_the_file_refuses_its_lines_too(bench: Bench):
    path = bench.calls(call("r1"), *BAD)
    bench.run()
    path.with_name("copy.jsonl").write_bytes(path.read_bytes())
    bench.run()
    assert [file for file, _ in refused_of(bench)] == 2 * ["logs/calls/a.jsonl"] + 2 * ["logs/calls/copy.jsonl"]
    assert read_of(bench)[0]["quarantined"] == 4


def test_a_log_that_is_rotated_away_takes_its_refusals_along(bench: Bench):
    path = bench.calls(call("r1"), *BAD)
    bench.run()
    moved(path, "a.1.jsonl")
    bench.calls(call("r2"), "[]")
    bench.run()
    assert refused_of(bench) == [("logs/calls/a.1.jsonl", 2), ("logs/calls/a.1.jsonl", 3), ("logs/calls/a.jsonl", 2)]


def test_a_refused_file_that_moved_is_one_refused_file(bench: Bench):
    bench.calls(call("r1"))
    broken = bench.root / "logs/calls/b.jsonl.gz"
    broken.write_bytes(gzip.compress(b'{"request_id"' * 500)[:-20])
    bench.run()
    assert read_of(bench)[0]["refused_files"] == 1
    moved(broken, "c.jsonl.gz")
    bench.run()
    assert read_of(bench)[0]["refused_files"] == 1
    assert refused_of(bench) == [("logs/calls/c.jsonl.gz", None)]
