"""`routing/audit.jsonl`: who approved, applied and rolled back what, when, appended and never rewritten.

Grain: one row an event. Each row holds the SHA-256 of the row before and of itself, so that an edit, a
removal or a swap shows at the first row that no longer fits. Instants are UTC. No secret and no request
text is in it.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.routing.files import sync_folder
from pipelines.routing.policy import sha256
from pipelines.workspace.errors import OutlayError

AUDIT_PATH = "routing/audit.jsonl"
BEFORE_THE_FIRST = "0" * 64

#: What a row can tell. `…_started` is written before the first file is touched, so a crash leaves a trace.
EVENTS = (
    "approved", "advanced", "adopted",  # advanced: a further step within what a person approved
    "apply_started", "applied", "apply_failed",
    "rollback_started", "rolled_back", "rollback_failed",
    "committed", "withdrawn",  # mode git: a branch waits for its merge; the change was given up before it
)  # fmt: skip


@dataclass(frozen=True)
class BrokenRow:
    """The first row that does not fit the chain; rows count from 1."""

    row: int
    reason: str

    def __str__(self) -> str:
        return f"{AUDIT_PATH}: row {self.row}: {self.reason}"


def audit_path(root: Path) -> Path:
    return root / AUDIT_PATH


def instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("expected an instant with a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def append(
    root: Path,
    event: str,
    *,
    now: datetime,
    effective_at: datetime | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Appends one row under a lock, forced to disk; raises OutlayError if the chain so far is broken."""
    if event not in EVENTS:
        raise ValueError(f"unknown audit event {event!r}")
    path = audit_path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        content = file.readall()
        whole, dropped = _without_torn_tail(content)
        lines = whole.splitlines()
        rows, broken = _walk(lines)
        if broken:
            raise OutlayError(f"{broken}; restore the file from version control, then try again")
        if whole != content:
            os.ftruncate(file.fileno(), len(content) - dropped)
            if dropped == 0:
                file.write(b"\n")
        row = {
            "row": len(rows) + 1,
            "at": instant(now),
            "event": event,
            "effective_at": instant(effective_at or now),
            "system_user": system_user(),
            "git_identity": git_identity(root),
            **fields,
            **({"dropped_bytes": dropped} if dropped else {}),
            "previous_sha256": sha256(lines[-1]) if lines else BEFORE_THE_FIRST,
        }
        row["row_sha256"] = sha256(_text(row))
        file.write(_text(row).encode() + b"\n")
        os.fsync(file.fileno())
    if not lines:
        sync_folder(path.parent)
    return row


def examine(root: Path) -> tuple[list[dict[str, Any]], BrokenRow | None]:
    """The rows up to the first broken one, and that one."""
    return _walk(_lines(root))


def read(root: Path) -> list[dict[str, Any]]:
    """All rows; raises OutlayError naming the first broken one."""
    rows, broken = examine(root)
    if broken:
        raise OutlayError(f"{broken}; restore the file from version control, then try again")
    return rows


def verify(root: Path) -> BrokenRow | None:
    """The first row that was changed, removed or moved; None if the chain holds."""
    return examine(root)[1]


def _lines(root: Path) -> list[bytes]:
    path = audit_path(root)
    if path.is_symlink():
        raise OutlayError(f"{path} is a symbolic link; the audit file must be a regular file")
    if not path.exists():
        return []
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return _without_torn_tail(file.read())[0].splitlines()


def _without_torn_tail(content: bytes) -> tuple[bytes, int]:
    """The rows that were completely written, newline included, and how many bytes of an unfinished one
    follow.
    """
    head, _, tail = content.rpartition(b"\n")
    head = head + b"\n" if head else b""
    if not tail:
        return content, 0
    try:
        json.loads(tail)
    except ValueError:
        return head, len(tail)
    return head + tail + b"\n", 0


def _walk(lines: list[bytes]) -> tuple[list[dict[str, Any]], BrokenRow | None]:
    rows: list[dict[str, Any]] = []
    previous = BEFORE_THE_FIRST
    for number, line in enumerate(lines, start=1):
        reason = _fault(line, number, previous)
        if reason:
            return rows, BrokenRow(number, reason)
        rows.append(json.loads(line))
        previous = sha256(line)
    return rows, None


def _fault(line: bytes, number: int, previous: str) -> str | None:
    try:
        row = json.loads(line)
        body = {key: value for key, value in row.items() if key != "row_sha256"}
    except (ValueError, AttributeError):
        return "not a JSON object"
    if row.get("previous_sha256") != previous:
        return "does not follow the row before it: a row was changed, removed or moved"
    if row.get("row_sha256") != sha256(_text(body)) or _text(row).encode() != line:
        return "was changed after it was written"
    if row.get("row") != number:
        return f"carries number {row.get('row')!r}, expected {number}"
    return None


def _text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def git_identity(root: Path) -> str | None:
    """`Name <mail>` as Git would sign a commit here, None without Git or without a configured name."""
    values = []
    for key in ("user.name", "user.email"):
        try:
            answer = subprocess.run(
                ["git", "config", "--get", key],
                cwd=root,
                capture_output=True,
                text=True,
                timeout=5,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        values.append(answer.stdout.strip())
    name, email = values
    return f"{name} <{email}>".strip() if name or email else None
