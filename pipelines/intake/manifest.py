"""The file manifest: which files are new or changed, what was taken of them, and what was refused.

Every intake, of records and of aggregated figures, asks here what is due and tells here what it took. A file is known
by its listing alone (local: size, times and inode; a bucket: size and ETag): while that stays the same it is not
opened. Another listing with the same content hash is the same file. What is told waits in temporary tables, so that the
ledger learns of a file only in the transaction that also settles its records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.intake.counts import FileCounts, Intake
from pipelines.intake.discover import Found
from pipelines.intake.loading import digest_of
from pipelines.intake.loading import loaded as contents
from pipelines.intake.moved import forget
from pipelines.intake.window import Window, dump, load
from pipelines.sources.cloud import ARCHIVED, CloudObject
from pipelines.sources.context import date_in_path
from pipelines.sources.files import Held, Place
from pipelines.sources.record import Quarantined
from pipelines.storage.rows import as_table
from pipelines.workspace.load import Loaded

Rejected = list[tuple[int | None, Quarantined]]
#: Files looked up, and put in a waiting table, at a time.
TOGETHER = 20_000
_COUNTS = ("size", "records_read", "stored", "duplicate", "superseded", "quarantined")
#: The waiting tables with their columns; those are text but for `_TYPES`.
_WAITING = {
    "taken_files": ("source", "kind", "file", "stat", "sha256", "windows", "refused", "run_id", *_COUNTS),
    "refused_lines": ("source", "file", "line", "day", "reason", "excerpt"),
    "changed_files": ("source", "file"),
    "other_listings": ("source", "file", "stat"),
    "read_anew": ("source", "sha256"),
}
_TYPES = {"line": pa.int64(), "day": pa.date32(), **dict.fromkeys(_COUNTS, pa.int64())}


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that may have to be read, with what the manifest knows of it."""

    found: Found
    known: tuple[str, str, str, str | None] | None  #: stat, digest, windows, refusal


@dataclass(slots=True)
class Due:
    """A file that must be read, with the windows that earlier runs took of this very content."""

    found: Found
    held: Held | None  #: its bytes, where it is small
    digest: str | None  #: None: a stream's, known when it has been read
    windows: list[Window]
    same: bool  #: the content is known: only days outside `windows` are new, and what it refused is counted

    @property
    def place(self) -> Place:
        return self.held or self.found.path

    def wants(self, window: Window, day: date) -> bool:
        """Whether a run over `window` takes this day's records."""
        return window.holds(day) and not any(taken.holds(day) for taken in self.windows)


@dataclass
class Manifest:
    """The ledger's `files` and `quarantine` during one intake. What it is told waits until `flush` writes it there."""

    con: duckdb.DuckDBPyConnection
    loaded: Loaded
    window: Window
    run_id: str
    intake: Intake
    _there: set[tuple[str, str]] = field(default_factory=set)
    _told: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: {table: [] for table in _WAITING})

    def __post_init__(self) -> None:
        for table, columns in _WAITING.items():
            with as_table(self.con, "batch", columns, (), _TYPES):
                self.con.execute(f"create or replace temp table {table} as from batch")

    def listed(self, files: Iterable[Found]) -> list[Listed]:
        """The files that must be opened; others are counted as unchanged or refused."""
        out: list[Listed] = []
        waiting = list(files)
        self._there.update((f.source.name, f.name) for f in waiting)
        anything = bool(self.con.execute("select 1 from files limit 1").fetchall())
        for start in range(0, len(waiting), TOGETHER):
            some = waiting[start : start + TOGETHER]
            known = self._known(some) if anything else {}
            out += [Listed(f, known.get(i)) for i, f in enumerate(some) if self._must_be_opened(f, known.get(i))]
        return out

    def due(self, files: Iterable[Listed]) -> Iterator[Due]:
        """The files that must be read, opened as far as it takes to know that."""
        listed = {id(each.found): each for each in files}
        for found, held, refusal in contents(each.found for each in listed.values()):
            known = listed[id(found)].known
            file = Due(found, held, None, [], False)
            if refusal is not None:
                self.refused(file, refusal)
                continue
            streamed = held is None and isinstance(found.path, CloudObject)
            if known is None:
                file.digest = None if streamed else digest_of(found, held)
                yield file
                continue
            stat, file.digest, windows, refused = known
            if stat != found.stat:
                now = digest_of(found, held)
                if now != file.digest:
                    file.digest = now
                    yield file
                    continue
                self._tell("other_listings", (found.source.name, found.name, found.stat))
            file.windows, file.same = _windows(windows), True
            if refused is not None or any(taken.covers(self.window) for taken in file.windows):
                self._unchanged(found, refused)
            else:
                yield file

    def refused(self, file: Due, reason: str) -> None:
        """Nothing of the file is stored: one quarantine row says why."""
        self._refuse(file.found, reason, file.digest or "")

    def taken(self, file: Due, counts: FileCounts, rejected: Rejected) -> None:
        """The file was read: count it and remember what was taken of which content."""
        found = file.found
        if file.digest is None:
            file.digest = digest_of(found, file.held)
        self.intake.files_read += 1
        self.intake.per_file[(found.source.name, found.name)] = counts
        if not file.same:
            self._tell("changed_files", (found.source.name, found.name))
            self._tell("read_anew", (found.source.name, file.digest))
        self._quarantine(found, rejected)
        self._tell(
            "taken_files",
            (found.source.name, found.source.kind, found.name, found.stat, file.digest,
             _dumped(tuple(file.windows), self.window), None, self.run_id,
             found.size, counts.read, 0, 0, 0, counts.quarantined),
        )  # fmt: skip

    def flush(self) -> None:
        """Write everything down in the ledger."""
        for table in _WAITING:
            self._put(table)
        con, named = self.con, "(source, file) in (select (source, file) from {})"
        if not self.intake.folders_left:  # else not all that lies there was listed
            forget(con, "read_anew", self._there)
        con.execute(f"delete from quarantine where {named.format('changed_files')}")
        con.execute("insert into quarantine by name from refused_lines")
        con.execute(f"delete from files where {named.format('taken_files')}")
        con.execute("insert into files by name from taken_files")
        con.execute(
            "update files set stat = other_listings.stat from other_listings "
            "where files.source = other_listings.source and files.file = other_listings.file"
        )
        for table in _WAITING:
            con.execute(f"drop table {table}")

    def _tell(self, table: str, row: tuple[Any, ...]) -> None:
        self._told[table].append(row)
        if len(self._told[table]) >= TOGETHER:
            self._put(table)

    def _put(self, table: str) -> None:
        rows, columns = self._told[table], _WAITING[table]
        if rows:
            with as_table(self.con, "batch", columns, rows, _TYPES):
                self.con.execute(f"insert into {table} by name from batch")
            rows.clear()

    def _known(self, files: list[Found]) -> dict[int, tuple[str, str, str, str | None]]:
        rows = [(f.source.name, f.name, i) for i, f in enumerate(files)]
        with as_table(self.con, "batch", ("source", "file", "place"), rows, {"place": pa.int64()}):
            found = self.con.execute(
                "select place, stat, sha256, windows, refused from files inner join batch using (source, file)"
            ).fetchall()
        return {row[0]: row[1:] for row in found}

    def _must_be_opened(self, found: Found, known: tuple[str, str, str, str | None] | None) -> bool:
        if found.refused:
            if known is None or known[0] != found.stat:
                self._refuse(found, found.refused)
            else:
                self._unchanged(found, found.refused)
            return False
        if known is None or known[0] != found.stat:
            return True
        if known[3] is not None or any(taken.covers(self.window) for taken in _windows(known[2])):
            self._unchanged(found, known[3])
            return False
        return True

    def _unchanged(self, found: Found, refused: str | None) -> None:
        if refused is None:
            self.intake.files_unchanged += 1
        else:
            self.intake.refused(found.source.name, found.name, refused)

    def _refuse(self, found: Found, reason: str, digest: str = "") -> None:
        self.intake.refused(found.source.name, found.name, reason)
        self._tell("changed_files", (found.source.name, found.name))
        if len(digest) == 64:
            self._tell("read_anew", (found.source.name, digest))
        self._quarantine(found, [(None, Quarantined(reason))])
        stat = "" if reason == ARCHIVED else found.stat
        self._tell(
            "taken_files",
            (found.source.name, found.source.kind, found.name, stat, digest, "[]", reason, self.run_id,
             found.size, 0, 0, 0, 0, 0),
        )  # fmt: skip

    def _quarantine(self, found: Found, rejected: Rejected) -> None:
        """Rows with the reporting day that the record itself says, else the one in the file's path."""
        if not rejected:
            return
        zone = self.loaded.config.reporting.zone
        stamp = date_in_path(found.name)
        for line, item in rejected:
            day = item.time.astimezone(zone).date() if item.time else stamp.date() if stamp else None
            self._tell("refused_lines", (found.source.name, found.name, line, day, item.reason, item.excerpt))


@lru_cache(maxsize=256)
def _read_windows(text: str) -> tuple[Window, ...]:
    return tuple(load(text))


def _windows(text: str) -> list[Window]:
    return list(_read_windows(text))


@lru_cache(maxsize=256)
def _dumped(windows: tuple[Window, ...], window: Window) -> str:
    return dump([*windows, window])
