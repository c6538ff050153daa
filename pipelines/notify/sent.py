"""What was sent where: `.outlay/notified.jsonl`, one line per (channel, alert), appended and forced to disk.

An alert is known by kind, subject and day (the Monday of its week, for what stands until it is mended). A line is written after its message was taken by the channel: when a process
dies between the two, the message goes out once more with the next run, never a third time for that death, and never not
at all. Deleting `.outlay` forgets what was sent; what is open then is told once again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipelines.storage.lock import acquire
from pipelines.workspace.errors import OutlayError

FILE_NAME = "notified.jsonl"
Key = tuple[str, str, str]  #: kind, subject, ISO day


@dataclass
class Sent:
    """The record while it is locked: nobody else sends meanwhile."""

    handle: int
    known: dict[str, set[Key]] = field(default_factory=dict)  #: channel -> alerts

    def new(self, channel: str, keys: Iterable[Key]) -> list[Key]:
        told = self.known.get(channel, set())
        return [key for key in keys if key not in told]

    def record(self, channel: str, keys: Iterable[Key]) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        fresh = list(keys)
        lines = [
            json.dumps({"at": at, "channel": channel, "kind": k, "subject": s, "day": d}, ensure_ascii=False)
            for k, s, d in fresh
        ]
        os.write(self.handle, "".join(f"{line}\n" for line in lines).encode())
        os.fsync(self.handle)
        self.known.setdefault(channel, set()).update(fresh)


@contextmanager
def record_of(home: Path, wait_s: float = 30.0) -> Generator[Sent]:
    """Open and lock the record. Raises OutlayError when another process holds it for longer than `wait_s`."""
    home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not acquire(handle, wait_s):
            raise OutlayError("another process is sending alerts: nothing was sent")
        content = os.pread(handle, os.fstat(handle).st_size, 0)
        if content and not content.endswith(b"\n"):
            os.write(handle, b"\n")  # what a dying process left unfinished: its line is no record
        yield Sent(handle, _known(content))
    finally:
        os.close(handle)


def _known(content: bytes) -> dict[str, set[Key]]:
    found: dict[str, set[Key]] = {}
    for line in content.decode("utf-8", "replace").split("\n"):
        try:
            row = json.loads(line)
            found.setdefault(row["channel"], set()).add((row["kind"], row["subject"], row["day"]))
        except (ValueError, KeyError, TypeError):
            continue  # an unfinished line: that alert is told again
    return found
