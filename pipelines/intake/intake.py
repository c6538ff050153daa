"""Intake: every file that is new or changed, read once, its records counted and staged for deduplication.

For every file and for the whole run: read = stored + duplicate + superseded + quarantined.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import duckdb

from pipelines.intake.batches import Batches
from pipelines.intake.counts import FileCounts, Intake
from pipelines.intake.discover import discover
from pipelines.intake.manifest import Due, Rejected, due, refused, taken
from pipelines.intake.planned import PlannedFile, covers
from pipelines.intake.window import Window, outside
from pipelines.sources.context import FileRef, date_in_path
from pipelines.sources.files import Refused
from pipelines.sources.record import Quarantined, SpanContext
from pipelines.sources.registry import kinds_supported, read
from pipelines.workspace.load import Loaded

Progress = Callable[[str, int, int], None]


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
    todo: list[Due] = []
    for found in discover(loaded):
        if found.source.kind not in kinds_supported():
            intake.skipped_kinds[found.source.kind] += 1
            continue
        file = due(con, loaded, found, window, run_id, intake)
        if file is not None:
            todo.append(file)
    for number, file in enumerate(todo):
        if progress:
            progress(file.found.name, number, len(todo))
        _read(con, loaded, file, window, batches, intake, run_id)
    batches.flush()
    if progress and todo:
        progress("", len(todo), len(todo))
    return intake


def _read(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, file: Due, window: Window, batches: Batches, intake: Intake,
    run_id: str,
) -> None:  # fmt: skip
    found = file.found
    zone = loaded.config.reporting.zone
    counts = FileCounts()
    rejected: Rejected = []
    ref = FileRef(
        path=found.path, name=found.name, default_time=date_in_path(found.name), now=datetime.now(UTC),
        mapped=loaded.config.tags.keys,
    )  # fmt: skip
    source, kind = found.source.name, found.source.kind
    day_of: dict[datetime, date] = {}
    planned = None
    if covers(kind, found.name):
        planned = PlannedFile(con, source, ref, outside(window, file.windows, loaded.config.reporting.timezone))
    try:
        for line, parsed in planned.results() if planned else read(kind, ref):
            if isinstance(parsed, Quarantined):
                if not file.same:
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
            if not file.wants(window, day):
                continue
            counts.read += 1
            batches.add((source, kind, found.name, line), parsed)
    except Refused as refusal:
        batches.discard(source, found.name)
        refused(con, loaded, file, str(refusal), run_id, intake)
        return
    counts.read += planned.taken if planned else 0
    taken(con, loaded, file, window, counts, rejected, run_id, intake)
