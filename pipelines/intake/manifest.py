"""The file manifest: which files are new or changed, what was taken of them, and what was refused.

Every intake, of records and of aggregated figures, asks here what is due and tells here what it took.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipelines.intake.counts import FileCounts, Intake
from pipelines.intake.discover import Found
from pipelines.intake.window import Window, dump, load
from pipelines.sources.context import date_in_path
from pipelines.sources.record import Quarantined
from pipelines.workspace.load import Loaded

Rejected = list[tuple[int | None, Quarantined]]


@dataclass(frozen=True)
class Due:
    """A file that must be read, with the windows that earlier runs took of this very content."""

    found: Found
    digest: str
    windows: list[Window]
    same: bool  #: the content is known: only days outside `windows` are new, and what it refused is counted

    def wants(self, window: Window, day: date) -> bool:
        """Whether a run over `window` takes this day's records."""
        return window.holds(day) and not any(taken.holds(day) for taken in self.windows)


def due(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, found: Found, window: Window, run_id: str, intake: Intake
) -> Due | None:
    """What there is to read of a file; None, counted, where it is refused or holds nothing new."""
    known = _known(con, found)
    if found.refused:
        if known is None or known[0] != found.stat:
            _refuse(con, loaded, found, found.refused, run_id)
        intake.files_refused += 1
        return None
    digest, windows, same = _compare(con, found, known, window)
    if digest is None:
        refused = known is not None and known[3] is not None
        intake.files_refused += refused
        intake.files_unchanged += not refused
        return None
    return Due(found, digest, windows, same)


def refused(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, file: Due, reason: str, run_id: str, intake: Intake
) -> None:
    """Nothing of the file is stored: one quarantine row says why."""
    _refuse(con, loaded, file.found, reason, run_id, file.digest)
    intake.files_refused += 1


def taken(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, file: Due, window: Window, counts: FileCounts,
    rejected: Rejected, run_id: str, intake: Intake,
) -> None:  # fmt: skip
    """The file was read: count it and remember what was taken of which content."""
    found = file.found
    intake.files_read += 1
    intake.per_file[(found.source.name, found.name)] = counts
    if not file.same:
        _forget(con, found)
    _quarantine(con, loaded, found, rejected)
    con.execute("delete from files where source = ? and file = ?", [found.source.name, found.name])
    con.execute(
        "insert into files values (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, null, ?)",
        [found.source.name, found.source.kind, found.name, found.size, found.stat, file.digest,
         dump([*file.windows, window]), counts.read, counts.quarantined, run_id],
    )  # fmt: skip


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


def _forget(con: duckdb.DuckDBPyConnection, found: Found) -> None:
    """What was refused of an earlier content of this file is no longer true."""
    con.execute("delete from quarantine where source = ? and file = ?", [found.source.name, found.name])


def _quarantine(con: duckdb.DuckDBPyConnection, loaded: Loaded, found: Found, rejected: Rejected) -> None:
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
