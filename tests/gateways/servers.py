"""Starting and ending the programs that a test talks to: on 127.0.0.1, on a free port, ended by their own process id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[2]
#: what a program under test gets of our environment: no proxies, no keys
PLAIN = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(url: str, body: Any = None, timeout: float = 30.0) -> Any:
    request = urllib.request.Request(
        url, None if body is None else json.dumps(body).encode(), {"content-type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """A program until the block ends: asked to end, and killed if it doesn't, with the children of its own session."""
    with open(log, "wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env={**PLAIN, **environment}, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Until the address answers; the program's own last words are in the error if it doesn't."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            call(url, timeout=5)
            return
        except ValueError:  # an answer, if no JSON
            return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{log.read_text(errors='replace')[-3000:]}")


class Upstream:
    """The provider behind a gateway; see `tests.gateways.upstream`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def behave(self, delay_s: float = 0, **fail: int) -> None:
        """Forget what was seen; models (with `_` for `-`) answer with a status from now on."""
        statuses = {model.replace("_", "-"): status for model, status in fail.items()}
        call(f"{self.url}/_behave", {"fail": statuses, "delay_s": delay_s})

    @property
    def seen(self) -> list[dict[str, Any]]:
        return call(f"{self.url}/_seen")


@contextmanager
def upstream(folder: Path) -> Generator[Upstream]:
    log = folder / "upstream.log"
    command = [sys.executable, "-m", "tests.gateways.upstream"]
    with running(command, REPO, {"PYTHONPATH": str(REPO)}, log) as process:
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None and not log.read_text().endswith("\n"):
            time.sleep(0.05)
        yield Upstream(int(log.read_text().split()[0]))
