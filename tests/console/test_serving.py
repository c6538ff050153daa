"""The dashboard and Dagster's UI as processes: on 127.0.0.1 only, and gone when they are told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pipelines.console import demo
from pipelines.workspace.errors import UsageError

REPO = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(sample: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "OUTLAY_WORKSPACE": str(sample), "PYTHONPATH": str(REPO)}, cwd=REPO, start_new_session=True,
    )  # fmt: skip


def answers(url: str, seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.status == 200
        except OSError:
            time.sleep(0.3)
    return False


def children(pid: int) -> list[str]:
    return subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "path"), [("dashboard", "/_stcore/health"), ("dev", "/server_info")])
def test_a_server_names_its_address_and_leaves_nothing_behind(sample, verb, path):
    port = free_port()
    process = start(sample, verb, "--port", str(port))
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "http://127.0.0.1" in line)
        assert f"http://127.0.0.1:{port}" in line
        assert answers(f"http://127.0.0.1:{port}{path}")
        begun = children(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in begun) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not [pid for pid in begun if Path(f"/proc/{pid}").exists()]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_a_port_that_is_taken_is_said_with_what_to_do(sample):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        process = start(sample, "dashboard", "--port", str(port))
        said, _ = process.communicate(timeout=90)
    assert (process.returncode, said.strip()) == (
        1, f"outlay: port {port} on 127.0.0.1 is taken: choose another with --port",
    )  # fmt: skip


def test_the_demo_never_writes_into_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="no Outlay workspace; choose another --dir"):
        demo.copy(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
