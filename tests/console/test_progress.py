"""How far a run is and what it skipped: on stderr, by files and bytes, and in the run's own text."""

import json
import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from pipelines.console.headline import run_text
from pipelines.console.progress import lines
from pipelines.intake.progress import Reading, Told
from tests.workspaces import Bench, call


def test_files_and_bytes_are_told_within_a_long_file_too() -> None:
    heard: list[Reading] = []
    told = Told(heard.append, 2, (10 << 20) + 5)
    told.begins("long.jsonl")
    for _ in range(5):
        told.seen(2 << 20)
    told.ended(10 << 20)
    told.begins("short.jsonl")
    told.seen(5)
    told.ended(5)
    told.finished()
    assert [(at.file, at.files, at.bytes >> 20) for at in heard] == [
        ("long.jsonl", 0, 0), ("long.jsonl", 0, 4), ("long.jsonl", 0, 8), ("", 1, 10),
        ("short.jsonl", 1, 10), ("", 2, 10), ("", 2, 10),
    ]  # fmt: skip
    assert (heard[-1].bytes, heard[-1].of_bytes) == ((10 << 20) + 5, (10 << 20) + 5)


def test_without_a_terminal_only_a_long_run_says_something_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    report = lines(lambda: now)
    for second in range(120):
        now = float(second)
        report(Reading("x", second, 120_000, second * 10**7, 12 * 10**8))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "outlay: reading, 10 of 120,000 files, 100.0 MB of 1.2 GB",
        "outlay: reading, 40 of 120,000 files, 400.0 MB of 1.2 GB",
        "outlay: reading, 70 of 120,000 files, 700.0 MB of 1.2 GB",
        "outlay: reading, 100 of 120,000 files, 1.0 GB of 1.2 GB",
    ]


def test_a_terminal_shows_a_bar_on_stderr_and_json_keeps_stdout_for_itself(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "w")
    bench.calls(*(call(f"r{n}", unit_id=f"d{n}") for n in range(50)))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(bench.root), "--json", "run"]
    repo = Path(__file__).parents[2]
    shown = bytearray()

    def watch() -> None:
        with suppress(OSError):  # the terminal is gone when its other end is closed
            while piece := os.read(ours, 4096):
                shown.extend(piece)

    watching = threading.Thread(target=watch)
    watching.start()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=theirs, cwd=repo, env=os.environ | {"TERM": "xterm"}, timeout=120
    )
    os.close(theirs)
    watching.join()
    os.close(ours)
    assert (done.returncode, json.loads(done.stdout)["records"]["read"]) == (0, 50)
    assert b"reading" in shown
    assert b"files" in shown


def test_a_run_says_what_it_skipped_and_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.calls(call("r1"))
    bench.calls(call("r2"), call("r3", time="2026-10-22T10:00:00Z"), file="b.jsonl")
    bench.lines("logs/calls/wide.jsonl", ["{}"]).write_bytes("{}".encode("utf-16"))
    first = bench.run(first=date(2026, 10, 20), last=date(2026, 10, 21))
    assert first["skipped"] == {
        "unchanged_files": 0,
        "refused_files": [{"source": "calls", "file": "logs/calls/wide.jsonl", "reason": "UTF-16: expected UTF-8"}],
        "records_outside": 1, "folders_outside": {}, "kinds_not_read": {},
    }  # fmt: skip
    assert [line for line in run_text(first).splitlines() if line.startswith("skipped")] == [
        "skipped  logs/calls/wide.jsonl (calls): refused, UTF-16: expected UTF-8",
        "skipped  1 records: outside --from/--to, left for a later run",
    ]
    bench.run()
    second = run_text(bench.run())
    assert [line for line in second.splitlines() if line.startswith("skipped")] == [
        "skipped  2 files: unchanged since they were read",
        "skipped  logs/calls/wide.jsonl (calls): refused, UTF-16: expected UTF-8",
    ]
