"""Intake: every file that is new or changed, read once, its records counted and staged for deduplication.

For every file and for the whole run: read = stored + duplicate + superseded + quarantined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

import duckdb

from pipelines.intake.batches import Batches
from pipelines.intake.counts import FileCounts, Intake
from pipelines.intake.discover import discover
from pipelines.intake.joined import Joined
from pipelines.intake.manifest import Due, Manifest, Rejected
from pipelines.intake.marks import marking
from pipelines.intake.planned import PlannedFile, covers
from pipelines.intake.progress import Progress, Told
from pipelines.intake.renamed import refuse_renamed, refuse_second_readers
from pipelines.intake.staging import Staging
from pipelines.intake.window import Window, outside
from pipelines.sources.context import FileRef, ReadResult, date_in_path
from pipelines.sources.files import Refused
from pipelines.sources.record import Quarantined, SpanContext
from pipelines.sources.registry import kinds_supported, read
from pipelines.workspace.load import Loaded


def take_in(
    con: duckdb.DuckDBPyConnection,
    loaded: Loaded,
    window: Window,
    run_id: str,
    progress: Progress | None = None,
    all_read: Callable[[], None] = lambda: None,
) -> Intake:
    """Stage what is new into `records` and `incoming_<family>`; the caller's transaction decides whether it stays.

    Records outside the window are left and not counted. A refused file leaves one quarantine row and nothing else.
    `all_read` is called when all records are in `records` and the ledger does not know of their files yet.
    """
    intake = Intake()
    manifest = Manifest(con, loaded, window, run_id, intake)
    known = set(kinds_supported())
    files = []
    for found in discover(loaded, window, intake.folders_left):
        if found.source.kind in known:
            files.append(found)
        else:
            intake.skipped_kinds[found.source.kind] += 1
    refuse_second_readers(files)
    refuse_renamed(con, loaded, files)
    listed = manifest.listed(files)
    told = Told(progress, len(listed), sum(each.found.size for each in listed))
    reading = Reading(loaded, window, manifest, told, Batches(staging(loaded, con, run_id)))
    together = Joined()
    for file in manifest.due(listed):
        try:
            if together.takes(file):
                continue
            reading.joined(together)
            together = Joined()
            if not together.takes(file):
                reading.alone(file)
        except Refused as refusal:
            manifest.refused(file, str(refusal))
            told.ended(file.found.size)
    reading.joined(together)
    reading.batches.flush()
    if intake.files_read:
        all_read()
    manifest.flush()
    told.finished()
    return intake


def staging(loaded: Loaded, con: duckdb.DuckDBPyConnection, run_id: str) -> Staging:
    """Where a run's request records go."""
    return Staging(con, run_id, loaded.config.reporting.timezone)


@dataclass
class _Taken:
    """What one file gives in this run."""

    file: Due
    counts: FileCounts = field(default_factory=FileCounts)
    rejected: Rejected = field(default_factory=list)


class Noted(Protocol):
    """Who is told what became of each file: the manifest."""

    intake: Intake

    def taken(self, file: Due, counts: FileCounts, rejected: Rejected) -> None: ...

    def refused(self, file: Due, reason: str) -> None: ...


class Reading:
    """Reads files alone and joined; what they say goes to the batches, what became of them to the manifest."""

    def __init__(
        self, loaded: Loaded, window: Window, manifest: Noted, told: Told, batches: Batches,
    ) -> None:  # fmt: skip
        self.batches = batches
        self._staging, self._loaded, self._window = batches.staging, loaded, window
        self._manifest, self._told = manifest, told
        self._zone = loaded.config.reporting.zone
        self._day_of: dict[datetime, date] = {}

    def joined(self, together: Joined) -> None:
        """Small files that were put together, in one go."""
        if len(together.files) == 1:
            self.alone(together.files[0])
        if len(together.files) < 2:
            return
        takens = [_Taken(file) for file in together.files]
        first = together.files[0]
        self._told.begins(first.found.name)
        for at, result in together.read(self._staging, self._ref(first), self._outside(first)):
            self._take(takens[at], [result])
        for at, stored in together.stored(self._staging):
            takens[at].counts.read += stored
        self._manifest.intake.records_left += 0 if first.windows else together.left
        for taken in takens:
            self._manifest.taken(taken.file, taken.counts, taken.rejected)
        self._told.ended(sum(file.found.size for file in together.files), len(together.files))

    def alone(self, file: Due) -> None:
        """One file, by its plan where there is one."""
        found, taken = file.found, _Taken(file)
        self._told.begins(found.name)
        ref, planned = self._ref(file), None
        if covers(found.source.kind, found.name):
            planned = PlannedFile(self._staging, found.source.name, ref, self._outside(file), found.source.kind)
        try:
            self._take(taken, planned.results() if planned else read(found.source.kind, ref))
        except Refused as refusal:
            self.batches.discard(found.source.name, found.name)
            self._manifest.refused(file, str(refusal))
        else:
            if planned:
                taken.counts.read += planned.taken
                self._manifest.intake.records_left += 0 if file.windows else planned.left
            self._manifest.taken(file, taken.counts, taken.rejected)
        self._told.ended(found.size)

    def _take(self, taken: _Taken, results: Iterable[ReadResult]) -> None:
        """Records to the batches, refusals to the file's own list; both counted."""
        file, counts = taken.file, taken.counts
        source, name = file.found.source, file.found.name
        for line, parsed in results:
            if isinstance(parsed, Quarantined):
                if not file.same:
                    counts.read += 1
                    counts.quarantined += 1
                    taken.rejected.append((line, parsed))
                continue
            if not isinstance(parsed, SpanContext):
                if not file.wants(self._window, self._day(parsed.time)):
                    self._manifest.intake.records_left += not file.windows
                    continue
                counts.read += 1
            self.batches.add((source.name, source.kind, name, line), parsed)

    def _day(self, time: datetime) -> date:
        """The reporting day; looked up by quarter of an hour, the finest step of any zone."""
        quarter = time.replace(minute=time.minute // 15 * 15, second=0, microsecond=0)
        day = self._day_of.get(quarter)
        if day is None:
            day = self._day_of[quarter] = time.astimezone(self._zone).date()
        return day

    def _ref(self, file: Due) -> FileRef:
        return FileRef(
            path=file.place, name=file.found.name, default_time=date_in_path(file.found.name), now=datetime.now(UTC),
            mapped=self._loaded.config.tags.keys, marking=marking(self._loaded.config, file.found.source), seen=self._told.seen,
        )  # fmt: skip

    def _outside(self, file: Due) -> str | None:
        return outside(self._window, file.windows, self._loaded.config.reporting.timezone)
