"""Intake: every file that is new or changed, read once, its records counted and staged for deduplication.

For every file and for the whole run: read = stored + duplicate + superseded + quarantined.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from pipelines.intake.batches import Batches
from pipelines.intake.discover import Found, discover
from pipelines.intake.planned import PlannedFile, covers
from pipelines.intake.window import Window, dump, load, outside
from pipelines.sources.context import FileRef, date_in_path
from pipelines.sources.files import Refused
from pipelines.sources.record import Quarantined, SpanContext
from pipelines.sources.registry import kinds_supported, read
from pipelines.workspace.load import Loaded

Progress = Callable[[str, int, int], None]


@dataclass
class FileCounts:
    """What one file gave in this run."""

    read: int = 0
    stored: int = 0
    duplicate: int = 0
    superseded: int = 0
    quarantined: int = 0


@dataclass
class Intake:
    """What a run took in. `records` and `files` are this run's only."""

    files_read: int = 0
    files_unchanged: int = 0
    files_refused: int = 0
    per_file: dict[tuple[str, str], FileCounts] = field(default_factory=dict)
    skipped_kinds: Counter[str] = field(default_factory=Counter)

    def records(self) -> dict[str, int]:
        names = ("read", "stored", "duplicate", "superseded", "quarantined")
        return {name: sum(getattr(c, name) for c in self.per_file.values()) for name in names}


def take_in(
    con: duckdb.DuckDBPyConnection,
    loaded: Loaded,
    window: Window,
    run_id: str,
    progress: Progress | None = None,
) -> Intake:
    """Stage what is new into `incoming_<family>`; the caller's transaction decides whether it stays.

    Records outside the window are left and not counted. A refused file leaves one quarantine row and nothing else.
    """
    intake = Intake()
    batches = Batches(con)
    todo: list[tuple[Found, str, list[Window], bool]] = []
    for found in discover(loaded):
        if found.source.kind not in kinds_supported():
            intake.skipped_kinds[found.source.kind] += 1
            continue
        known = _known(con, found)
        if found.refused:
            if known is None or known[0] != found.stat:
                _refuse(con, loaded, found, found.refused, run_id)
            intake.files_refused += 1
            continue
        digest, windows, same = _compare(con, found, known, window)
        if digest is None:
            refused = known is not None and known[3] is not None
            intake.files_refused += refused
            intake.files_unchanged += not refused
        else:
            todo.append((found, digest, windows, same))
    for number, (found, digest, windows, same) in enumerate(todo):
        if progress:
            progress(found.name, number, len(todo))
        _read(con, loaded, found, digest, windows, same, window, batches, intake, run_id)
    batches.flush()
    if progress and todo:
        progress("", len(todo), len(todo))
    return intake


def _known(con: duckdb.DuckDBPyConnection, found: Found) -> tuple[str, str, str, str | None] | None:
    rows = con.execute(
        "select stat, sha256, windows, refused from files where source = $source and file = $file",
        {"source": found.source.name, "file": found.name},
    ).fetchall()  # not fetchone: an unfinished result blocks the connection
    return rows[0] if rows else None


def _compare(
    con: duckdb.DuckDBPyConnection,
    found: Found,
    known: tuple[str, str, str, str | None] | None,
    window: Window,
) -> tuple[str | None, list[Window], bool]:
    """Digest of a file that must be read (None: nothing to do), the windows already taken, whether content is known."""
    if known is None:
        return _sha256(found.path), [], False
    stat, digest, windows_text, refused = known
    windows = load(windows_text)
    if stat != found.stat:
        now = _sha256(found.path)
        if now != digest:
            return now, [], False
        con.execute(
            "update files set stat = $stat where source = $source and file = $file",
            {"stat": found.stat, "source": found.source.name, "file": found.name},
        )
    if refused is not None or any(taken.covers(window) for taken in windows):
        return None, windows, True
    return digest, windows, True


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb", buffering=0) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()


def _read(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, found: Found, digest: str, windows: list[Window], same: bool,
    window: Window, batches: Batches, intake: Intake, run_id: str,
) -> None:  # fmt: skip
    zone = loaded.config.reporting.zone
    counts = FileCounts()
    rejected: list[tuple[int | None, Quarantined]] = []
    ref = FileRef(
        path=found.path, name=found.name, default_time=date_in_path(found.name), now=datetime.now(UTC),
        mapped=loaded.config.tags.keys,
    )  # fmt: skip
    source, kind = found.source.name, found.source.kind
    day_of: dict[datetime, date] = {}
    planned = None
    if covers(kind, found.name):
        planned = PlannedFile(con, source, ref, outside(window, windows, loaded.config.reporting.timezone))
    try:
        for line, parsed in planned.results() if planned else read(kind, ref):
            if isinstance(parsed, Quarantined):
                if not same:
                    counts.read += 1
                    counts.quarantined += 1
                    rejected.append((line, parsed))
                continue
            if isinstance(parsed, SpanContext):
                batches.add((source, kind, found.name, line), parsed)
                continue
            hour = parsed.time.replace(minute=parsed.time.minute // 15 * 15, second=0, microsecond=0)
            day = day_of.get(hour)
            if day is None:
                day = day_of[hour] = parsed.time.astimezone(zone).date()
            if not window.holds(day) or any(taken.holds(day) for taken in windows):
                continue
            counts.read += 1
            batches.add((source, kind, found.name, line), parsed)
    except Refused as refusal:
        batches.discard(source, found.name)
        _refuse(con, loaded, found, str(refusal), run_id, digest)
        intake.files_refused += 1
        return
    counts.read += planned.taken if planned else 0
    intake.files_read += 1
    intake.per_file[(source, found.name)] = counts
    if not same:
        _forget(con, found)
    _quarantine(con, loaded, found, rejected)
    con.execute("delete from files where source = ? and file = ?", [source, found.name])
    con.execute(
        "insert into files values (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, null, ?)",
        [source, kind, found.name, found.size, found.stat, digest, dump([*windows, window]), counts.read,
         counts.quarantined, run_id],
    )  # fmt: skip


def _forget(con: duckdb.DuckDBPyConnection, found: Found) -> None:
    """What was refused of an earlier content of this file is no longer true."""
    con.execute("delete from quarantine where source = ? and file = ?", [found.source.name, found.name])


def _quarantine(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, found: Found, rejected: list[tuple[int | None, Quarantined]]
) -> None:
    """Rows with the reporting day that the record itself says, else the one in the file's path."""
    zone = loaded.config.reporting.zone
    stamp = date_in_path(found.name)
    rows = []
    for line, item in rejected:
        day = item.time.astimezone(zone).date() if item.time else stamp.date() if stamp else None
        rows.append((found.source.name, found.name, line, day, item.reason, item.excerpt))
    if rows:
        con.executemany("insert into quarantine values (?, ?, ?, ?, ?, ?)", rows)


def _refuse(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, found: Found, reason: str, run_id: str, digest: str = ""
) -> None:
    _forget(con, found)
    _quarantine(con, loaded, found, [(None, Quarantined(reason))])
    con.execute("delete from files where source = ? and file = ?", [found.source.name, found.name])
    con.execute(
        "insert into files values (?, ?, ?, ?, ?, ?, '[]', 0, 0, 0, 0, 0, ?, ?)",
        [found.source.name, found.source.kind, found.name, found.size, found.stat, digest, reason, run_id],
    )
