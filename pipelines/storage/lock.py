"""One writer at a time: waiting for a lock, and the run lock of a workspace.

The operating system's lock reaches one machine; the lease beside it (`lease`) reaches all that share the storage.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pipelines.storage.lease import Lease, leased
from pipelines.workspace.errors import OutlayError


@contextmanager
def run_lock(home: Path, wait_s: float) -> Generator[Lease]:
    """Hold the workspace's run lock and its lease; the operating system frees the lock when the process dies.

    Raises OutlayError after `wait_s` seconds if another run still holds it, here or on another machine.
    """
    home.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    handle = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not acquire(handle, wait_s):
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise OutlayError(
                f"another run (process {holder}) is writing {home}; it was not disturbed. "
                f"Waited {wait_s:.0f} s: try again when it is done"
            )
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        with leased(home, max(deadline - time.monotonic(), 0)) as lease:
            yield lease
    finally:
        os.close(handle)


def acquire(handle: int, wait_s: float) -> bool:
    """Lock an open file for this process alone, waiting up to `wait_s` seconds; False where another holds it still."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
