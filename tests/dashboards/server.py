"""A dashboard served for a browser, on a free port of this machine, with what it said kept."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
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


@contextmanager
def served(root: Path, log: Path) -> Generator[Served]:
    """Ends the server it started; whatever fails meanwhile is told with the server's own output."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port), "--server.address", HOST]
    env = {**os.environ, "OUTLAY_WORKSPACE": str(root), "PYTHONPATH": str(REPO)}
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=APP.parent, env=env, stdout=out, stderr=subprocess.STDOUT)
    found = Served(f"http://{HOST}:{port}", log)
    try:
        _wait(process, found)
        yield found
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


def _wait(process: subprocess.Popen[bytes], found: Served) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"the dashboard ended with status {process.returncode}")
        try:
            with urlopen(f"{found.url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the dashboard did not answer within 40 seconds")
