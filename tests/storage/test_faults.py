"""Kills, locks, full disks and readers during runs: the last published set is always whole."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from pipelines.ledger.repricing import rates_diff
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.errors import NothingPublished, OutlayError
from pipelines.workspace.load import load_workspace
from tests.workspaces import Bench, call, event

FULL = bool(os.environ.get("OUTLAY_FULL"))


def fill(bench: Bench, days=range(10, 20)):
    bench.calls(
        *(call(f"r{d}-{i}", unit_id=f"d{d}-{i}", time=f"2026-10-{d}T{i:02}:00:00Z") for d in days for i in range(12))
    )
    bench.outcomes(
        *(
            event(f"e{d}-{i}", unit_id=f"d{d}-{i}", time=f"2026-10-{d}T{i:02}:30:00Z")
            for d in days
            for i in range(0, 12, 2)
        )
    )


#: where a run can be when it dies
PHASES = ("start", "intake", "rates", "ledger", "outcomes", "change", "split", "publish", "pointer")


def reached(phases: Path) -> str:
    return phases.read_text() if phases.exists() else "start"


@pytest.mark.slow
def test_a_run_killed_anywhere_and_run_again_ends_in_the_undisturbed_fingerprint(tmp_path):
    undisturbed = Bench(tmp_path / "whole")
    fill(undisturbed)
    undisturbed.run()
    expected = undisturbed.fingerprint()
    kills = 120 if FULL else 8
    dice = random.Random(7)
    zygote = subprocess.Popen(
        [sys.executable, "-m", "tests.storage.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert zygote.stdin
    assert zygote.stdout
    hit: Counter[str] = Counter()
    try:
        assert zygote.stdout.readline() == "ready\n"
        for number in range(kills):
            bench = Bench(tmp_path / f"killed{number}")
            fill(bench)
            phases = tmp_path / f"phase{number}"
            zygote.stdin.write(f"{bench.root} {phases}\n")
            zygote.stdin.flush()
            pid = int(zygote.stdout.readline())
            wanted = PHASES[number % len(PHASES)]
            while reached(phases) != wanted and Path(f"/proc/{pid}").exists():
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 0.06))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            zygote.stdout.readline()
            hit[reached(phases)] += 1
            bench.run()
            assert bench.fingerprint() == expected, hit
            shutil.rmtree(bench.root)
    finally:
        zygote.stdin.close()
        zygote.stdout.close()
        zygote.wait(timeout=30)
    print(dict(hit))
    assert len(hit) >= len(PHASES) - 2, hit


def test_a_kill_between_commit_and_pointer_is_mended_by_the_next_run(bench: Bench, monkeypatch):
    fill(bench)
    monkeypatch.setattr("pipelines.run.published.point_to", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    with pytest.raises(NothingPublished):
        current(bench.root)
    monkeypatch.undo()
    document = bench.run()
    assert (document["requests"], document["records"]["read"]) == (120, 0)


def test_a_run_that_fails_leaves_what_was_published_and_the_next_one_takes_everything(bench: Bench, monkeypatch):
    fill(bench, range(10, 12))
    bench.run()
    before, name = bench.fingerprint(), bench.published.name
    bench.calls(call("new", time="2026-10-13T10:00:00Z"), file="new.jsonl")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.publish.assemble.published.write_marts", full_disk)
    with pytest.raises(OutlayError, match=r"No space left on device.*still served"):
        bench.run()
    assert (bench.published.name, bench.fingerprint()) == (name, before)
    monkeypatch.undo()
    document = bench.run()
    assert (document["records"]["stored"], document["requests"]) == (1, 25)


@pytest.mark.parametrize("opened_by", ["run", "run --full", "rates diff"])
def test_what_a_run_read_that_came_to_nothing_is_forgotten_by_whoever_opens_the_ledger(
    bench: Bench, monkeypatch, opened_by
):
    fill(bench, range(10, 12))
    bench.run()
    before = bench.fingerprint()
    # the calls of the first file once more, one said otherwise, and new ones
    text = (bench.root / "logs/calls/a.jsonl").read_text()
    again = bench.lines("logs/calls/again.jsonl", [text, call("r10-1", input=77), call("new")])

    def no_rates(*_):
        raise OutlayError("no rates")

    monkeypatch.setattr("pipelines.ledger.build.rate_book", no_rates)
    with pytest.raises(OutlayError, match="no rates"):
        bench.run()
    monkeypatch.undo()
    with duckdb.connect(str(bench.root / ".outlay/ledger.duckdb"), read_only=True) as con:
        assert con.execute("select count(*), count(distinct run_id) from records").fetchall() == [(50, 2)]
        assert con.execute("select count(*) from files where file like '%again%'").fetchall() == [(0,)]
    if opened_by == "rates diff":
        assert rates_diff(bench.loaded)["moves"] == []
    else:
        again.unlink()
        assert bench.run(full=opened_by == "run --full")["requests"] == 24
        assert bench.fingerprint() == before
    with duckdb.connect(str(bench.root / ".outlay/ledger.duckdb"), read_only=True) as con:
        assert con.execute("select count(*), count(distinct run_id) from records").fetchall() == [(24, 1)]
        assert con.execute("select * from settings where name = 'unsettled'").fetchall() == []


def test_a_full_disk_is_said_and_the_last_set_is_still_served(bench: Bench):
    """On a small real filesystem where one may be mounted."""
    fill(bench)
    bench.run()
    before = bench.fingerprint()
    small = bench.root.parent / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("no right to mount a small filesystem here")
    try:
        shutil.copytree(bench.root, small / "ws")
        limited = Bench(small / "ws", bench.config)
        (small / "ballast").write_bytes(os.urandom(200_000))
        (limited.root / "logs/calls/more.jsonl").write_bytes(b"")
        with open(small / "ballast2", "wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(os.urandom(4096))
        (small / "ballast").unlink()
        limited.calls(*(call(f"x{i}", unit_id=os.urandom(40).hex()) for i in range(400)), file="more.jsonl")
        with pytest.raises(OutlayError, match="still served"):
            limited.run()
        assert limited.fingerprint() == before
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_second_run_is_refused_while_one_holds_the_workspace(bench: Bench):
    fill(bench)
    (bench.root / ".outlay").mkdir()
    with open(bench.root / ".outlay/run.lock", "w") as lock:
        lock.write("4711\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutlayError, match=r"another run \(process 4711\) is writing"):
            bench.run(wait_s=0.2)
    assert bench.run()["requests"] == 120


def test_two_runs_at_once_follow_each_other(bench: Bench):
    fill(bench)
    loaded = load_workspace(bench.root)
    done: list[dict] = []
    threads = [threading.Thread(target=lambda: done.append(run_workspace(loaded, Asked()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(d["records"]["stored"] for d in done) == [0, 180]


def test_readers_during_runs_never_fail_and_see_one_set_each(bench: Bench):
    fill(bench, range(10, 11))
    bench.run()
    stop = threading.Event()
    failures: list[BaseException] = []
    reads = 0

    def read():
        nonlocal reads
        while not stop.is_set():
            try:
                published = current(bench.root)
                with published.connect() as con:
                    requests = con.execute("select sum(requests) from daily_spend").fetchall()[0][0]
                assert requests == published.meta["summary"]["requests"]
                reads += 1
            except BaseException as error:
                failures.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for day in range(11, 16):
        bench.calls(*(call(f"n{day}-{i}", time=f"2026-10-{day}T10:00:00Z") for i in range(20)), file=f"{day}.jsonl")
        bench.run()
    stop.set()
    reader.join()
    assert (failures, reads > 20) == ([], True)


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '/tmp/outlay-leak.csv'", "attach '/tmp/outlay-other.duckdb' as other",
        "select * from read_text('/etc/passwd')", "from '/etc/passwd'", "set enable_external_access = true",
        "set memory_limit = '1GB'", "install httpfs", "load httpfs", "create table daily_cost2 as select 1", "delete from daily_cost",
        "export database '/tmp/outlay-dump'",
    ],
)  # fmt: skip
def test_the_readers_connection_can_neither_write_nor_reach_a_file(bench: Bench, statement):
    bench.calls(call("r1"))
    bench.run()
    with bench.published.connect() as con, pytest.raises(duckdb.Error):
        con.execute(statement).fetchall()


def test_a_published_set_outlives_the_runs_after_it_for_those_who_read_it(bench: Bench):
    bench.calls(call("r1"))
    bench.run()
    old = bench.published
    con = old.connect()
    for number in range(6):
        bench.calls(call("r1"), call(f"s{number}"), file="a.jsonl")
        bench.run()
    assert con.execute("select sum(requests) from daily_spend").fetchall() == [(1,)]
    con.close()
    assert len([p for p in (bench.root / ".outlay/published").iterdir() if p.is_dir()]) <= 5


def test_a_ledger_that_another_program_holds_is_named_and_what_is_published_is_served(bench: Bench):
    fill(bench)
    bench.run()
    before = bench.fingerprint()
    bench.calls(call("new"), file="new.jsonl")
    holding = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(bench.root / ".outlay/ledger.duckdb")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(
            OutlayError, match=r"ledger\.duckdb cannot be opened.*If another program holds it, close that"
        ):
            bench.run()
        assert bench.fingerprint() == before
        assert other.stdin
        other.stdin.close()
    assert bench.run()["requests"] == 121
