"""A dashboard served for a browser, on a free port of this machine, with what it said kept."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.dashboards.conftest import APP, REPO

HOST = "127.0.0.1"


@dataclass
class Served:
    url: str
    log: Path

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")


def free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return free.getsockname()[1]


@contextmanager
def served(
    root: Path, log: Path, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Generator[Served]:
    """Ends the server it started; whatever fails meanwhile is told with the server's own output."""
    port = port or free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP.with_name("served.py")),
        "--server.port",
        str(port),
        "--server.address",
        HOST,
    ]
    env = {**os.environ, "OUTLAY_WORKSPACE": str(root), "PYTHONPATH": str(REPO), **(environment or {})}
    found = Served(f"http://{HOST}:{port}", log)
    with running(command, APP.parent, env, found, "/_stcore/health"):
        yield found


@contextmanager
def running(
    command: list[str], folder: Path, env: Mapping[str, str], found: Served, answers_at: str
) -> Generator[None]:
    """A program that serves `found.url` meanwhile, and is ended after."""
    with found.log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait(process, f"{found.url}{answers_at}")
        yield
    except BaseException as error:
        error.add_note(f"the server said:\n{found.said()}")
        raise
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(400):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            with urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} did not answer within 80 seconds")
