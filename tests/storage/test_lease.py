"""One writer where several machines share the storage: killed holders, stopped ones, and two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.storage.lease import SECONDS, leased
from pipelines.workspace.errors import OutlayError
from tests.storage.test_faults import fill
from tests.workspaces import Bench

SILENCE = "0.4"  #: of holders that are killed or stopped before anybody else comes
AGES = "3600"  #: of holders that live: however busy the machine, nobody takes over


class Machine:
    """A process that stands for a machine of its own."""

    def __init__(self, name: str, what: str, place: Path, seconds: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.machine", name, what, str(place)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env={**os.environ, SECONDS: seconds},
        )  # fmt: skip

    def says(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def goes_on(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def gets(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        if number == signal.SIGSTOP:  # until it really stands
            os.waitpid(self._process.pid, os.WUNTRACED)

    def ends(self) -> None:
        self._process.kill()
        self._process.wait(timeout=60)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()


@contextmanager
def machine(name: str, what: str, place: Path, seconds: str = SILENCE) -> Generator[Machine]:
    started = Machine(name, what, place, seconds)
    try:
        yield started
    finally:
        started.ends()


def test_tokens_grow_and_a_released_lease_is_free_at_once(tmp_path):
    for token in (1, 2, 3, 4, 5):
        with leased(tmp_path, 0, machine=f"machine {token % 2}") as lease:
            assert lease.token == token
            assert not lease.from_silent
            lease.fence()
    assert sorted(file.name for file in (tmp_path / "lease").iterdir()) == [f"{n:012}.json" for n in (3, 4, 5)]
    said = json.loads((tmp_path / "lease" / f"{5:012}.json").read_text())
    assert (said["token"], said["machine"], said["released"]) == (5, "machine 1", True)


def test_a_living_holder_of_another_machine_is_not_disturbed(tmp_path, monkeypatch):
    monkeypatch.setenv(SECONDS, AGES)
    with leased(tmp_path, 0, machine="one") as lease:
        with pytest.raises(OutlayError, match=r"another run \(process .* is writing .*it was not disturbed"):
            leased(tmp_path, 0.2, machine="two").__enter__()
        lease.fence()


def test_a_dead_holder_of_this_machine_is_followed_at_once(tmp_path):
    """The machine's lock, which the caller holds, proves that it is dead."""
    with machine("here", "hold", tmp_path, AGES) as dead:
        assert dead.says() == "held 1"
        dead.gets(signal.SIGKILL)
    with leased(tmp_path, 0, machine="here") as lease:
        assert (lease.token, lease.from_silent) == (2, False)


def test_a_killed_holder_of_another_machine_is_followed_after_its_silence(tmp_path):
    with machine("one", "hold", tmp_path) as dead:
        assert dead.says() == "held 1"
        dead.gets(signal.SIGKILL)
    with pytest.raises(OutlayError, match="it was not disturbed"):
        leased(tmp_path, 0, machine="two").__enter__()
    with leased(tmp_path, 60, machine="two") as lease:
        assert (lease.token, lease.from_silent) == (2, True)
        lease.fence()


def test_a_stopped_holder_that_goes_on_is_refused_at_its_fence(tmp_path):
    with machine("one", "hold", tmp_path) as stopped:
        assert stopped.says() == "held 1"
        stopped.gets(signal.SIGSTOP)
        with leased(tmp_path, 60, machine="two") as lease:
            assert lease.token == 2
            stopped.goes_on()
            stopped.gets(signal.SIGCONT)
            assert stopped.says().startswith("refused: this run was stopped for longer than 0.4 s and lost its lease")
            lease.fence()
    with leased(tmp_path, 0, machine="three") as lease:
        assert lease.token == 3


def test_a_holders_clock_decides_nothing(tmp_path, monkeypatch):
    """One that is a day ahead or behind lives as long as it renews, and no longer."""
    for token, skewed in ((1, "2020-01-01T00:00:00+00:00"), (2, "2099-01-01T00:00:00+00:00")):
        folder = tmp_path / skewed[:4] / "lease"
        folder.mkdir(parents=True)
        held = {"token": token, "machine": "one", "owner": "it", "seconds": 0.3, "beat": 7, "expires_at": skewed}
        (folder / f"{token:012}.json").write_text(json.dumps(held))
        with pytest.raises(OutlayError, match=r"another run \(it\)"):
            leased(folder.parent, 0, machine="two").__enter__()
        with leased(folder.parent, 60, machine="two") as lease:
            assert lease.token == token + 1


def test_of_many_that_come_at_once_each_gets_its_own_token(tmp_path, monkeypatch):
    """The machine's lock is not held here, so that only the lease tells them apart."""
    monkeypatch.setenv(SECONDS, AGES)
    inside: list[int] = []
    most: list[int] = []

    def writer(number: int) -> None:
        with leased(tmp_path, 120, machine=f"machine {number}") as lease:
            inside.append(lease.token)
            most.append(len(inside))
            lease.fence()
            inside.remove(lease.token)

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_a_lease_file_that_says_nothing_is_followed_after_the_usual_silence(tmp_path, monkeypatch):
    monkeypatch.setenv(SECONDS, "0.2")
    (tmp_path / "lease").mkdir()
    (tmp_path / "lease" / f"{41:012}.json").write_text("{")
    with leased(tmp_path, 60, machine="two") as lease:
        assert lease.token == 42


@pytest.mark.parametrize("wrong", ["soon", "0", "-1", "nan"])
def test_an_expiry_that_is_no_time_is_refused(tmp_path, monkeypatch, wrong: str):
    monkeypatch.setenv(SECONDS, wrong)
    with pytest.raises(OutlayError, match=r"expected seconds from 0\.1 to 86400"):
        leased(tmp_path, 0).__enter__()


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Bench, dict[str, str]]:
    """A workspace with logs, and the fingerprint of an undisturbed run over them."""
    whole = Bench(tmp_path / "whole")
    fill(whole)
    whole.run()
    bench = Bench(tmp_path / "shared")
    fill(bench)
    return bench, whole.fingerprint()


def test_a_stopped_run_does_not_publish_over_the_run_that_took_its_place(filled):
    bench, undisturbed = filled
    with machine("one", "run", bench.root) as stopped:
        assert stopped.says() == "split"
        stopped.gets(signal.SIGSTOP)
        with machine("two", "run", bench.root) as other:
            assert other.says() == "split"
            stopped.goes_on()
            stopped.gets(signal.SIGCONT)
            assert stopped.says().startswith("refused: ")
            assert not (bench.root / ".outlay/published/current").exists()
            other.goes_on()
            assert other.says() == "done"
    published = bench.published.name
    assert bench.fingerprint() == undisturbed
    assert bench.run()["records"]["read"] == 0
    assert (bench.published.name, bench.fingerprint()) == (published, undisturbed)


def test_a_killed_run_of_another_machine_is_followed_and_nothing_counts_twice(filled):
    bench, undisturbed = filled
    with machine("one", "run", bench.root) as killed:
        assert killed.says() == "split"
        killed.gets(signal.SIGKILL)
    with machine("two", "run", bench.root) as other:
        assert other.says() == "split"
        other.goes_on()
        assert other.says() == "done"
    assert bench.fingerprint() == undisturbed
