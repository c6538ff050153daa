"""Files read by executors: each task takes some files, reads them as any run does, and writes what it read to the lake.

What comes back to the driver is what the manifest needs to know: counts, refusals, quarantined lines, names of files
written. A task that fails and is tried again writes under another name; only what an answer names belongs to the lake.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow.parquet as pq

from pipelines.engine.place import LakePlace
from pipelines.intake.batches import Batches
from pipelines.intake.counts import FileCounts, Intake
from pipelines.intake.discover import discover
from pipelines.intake.intake import Reading
from pipelines.intake.loading import digest_of
from pipelines.intake.manifest import Due, Listed, Manifest, Rejected
from pipelines.intake.progress import Told
from pipelines.intake.renamed import refuse_renamed, refuse_second_readers
from pipelines.intake.staging import Staging
from pipelines.intake.window import Window
from pipelines.sources.registry import kinds_supported
from pipelines.storage import lake
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded

#: Packed bytes of files that one task reads at most; a larger file is a task of its own.
TASK_BYTES = 64 << 20
#: What a task hands on per family: where it lies, and its columns.
_REQUEST_LINES = "select * exclude (request_key, payload, day, own_rank, group_key, wins, run_id) from records"
_LAKE = {
    "requests": _REQUEST_LINES,
    "spans": "select distinct trace_id, span_id, parent_span_id, time, tags from incoming_spans",
    "outcomes": "select * from incoming_outcomes",
}
#: Marks are few, and settled by the driver.
_MARKS = ("evaluations", "scores")


@dataclass
class Read:
    """What a task says of one file."""

    file: Due
    counts: FileCounts = field(default_factory=FileCounts)
    rejected: Rejected = field(default_factory=list)
    refused: str | None = None
    left: int = 0


@dataclass(frozen=True)
class Answered:
    """What a task says of its files, and the files that it wrote: those of the lake, and the marks for the driver."""

    read: list[Read]
    lake: list[str]
    marks: list[str]


@dataclass(frozen=True)
class Task:
    """Reads some files where it runs."""

    loaded: Loaded
    window: Window
    run_id: str
    lake: LakePlace

    def __call__(self, numbered: tuple[int, list[Due]]) -> Answered:
        number, files = numbered
        name = f"{self.run_id}-{number}-{os.urandom(4).hex()}"
        with duckdb.connect(":memory:", config={"threads": 1}) as con:
            con.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
            con.execute(sql("storage/ledger_schema"))
            told = _Heard(Intake())
            staging = Staging(con, name, self.loaded.config.reporting.timezone)
            reading = Reading(self.loaded, self.window, told, Told(None, 0, 0), Batches(staging))
            for file in files:
                before = told.intake.records_left
                reading.alone(file)
                told.read[-1].left = told.intake.records_left - before
            reading.batches.flush()
            with self.lake.writing() as folder:
                for table, rows in _LAKE.items():
                    lake.add(con, folder, table, f"({rows})", name)
                written = _names(con)
                for family in _MARKS:
                    lake.add(con, folder, family, f"incoming_{family}", name)
            return Answered(told.read, sorted(written), sorted(_names(con) - written))


@dataclass
class _Heard:
    """Stands where a run has its manifest: keeps what it is told for the driver's."""

    intake: Intake
    read: list[Read] = field(default_factory=list)

    def taken(self, file: Due, counts: FileCounts, rejected: Rejected) -> None:
        if file.digest is None:
            file.digest = digest_of(file.found, file.held)
        self.read.append(Read(file, counts, rejected))

    def refused(self, file: Due, reason: str) -> None:
        self.read.append(Read(file, refused=reason))


def _names(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in con.execute("select file from lake_files").fetchall()}


def take_in(run: Any) -> Intake:
    """Read what is new with executors; afterwards the lake, the manifest and the quarantine know of it.

    Marks (`incoming_evaluations`, `incoming_scores`) are in the driver's ledger then.
    """
    loaded, window, small = run.loaded, Window(run.asked.first, run.asked.last), run.con.small
    intake = Intake()
    manifest = Manifest(small, loaded, window, run.run_id, intake)
    known = set(kinds_supported())
    files = discover(loaded, window, intake.folders_left)
    refuse_second_readers(found for found in files if found.source.kind in known)
    refuse_renamed(small, loaded, files)
    for found in files:
        intake.skipped_kinds[found.source.kind] += found.source.kind not in known
    intake.skipped_kinds += type(intake.skipped_kinds)()
    listed = manifest.listed(found for found in files if found.source.kind in known)
    due = list(_due(manifest, listed))
    share = sum(file.found.size for file in due) // run.con.spark.sparkContext.defaultParallelism + 1
    tasks = list(enumerate(grouped(due, min(share, TASK_BYTES))))
    Batches(Staging(small, run.run_id, loaded.config.reporting.timezone))  # the empty incoming tables
    if tasks:
        task = Task(loaded, window, run.run_id, run.spark.lake_of(run))
        spread = run.con.spark.sparkContext.parallelize(tasks, len(tasks))
        for answered in run.con.guarded(spread.map(task).collect):
            _note(run, manifest, answered)
    manifest.flush()
    return intake


def _due(manifest: Manifest, listed: Iterable[Listed]) -> Iterator[Due]:
    """New files unopened; those that the manifest knows under another listing are looked at here."""
    again: list[Listed] = []
    for each in listed:
        if each.known is None:
            yield Due(each.found, None, None, [], False)
        else:
            again.append(each)
    for file in manifest.due(again):
        file.held = None
        yield file


def grouped(files: Iterable[Due], most: int) -> Iterator[list[Due]]:
    """Files in groups of about so many bytes, in their order."""
    group: list[Due] = []
    size = 0
    for file in files:
        if group and size + file.found.size > most:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.found.size
    if group:
        yield group


def _note(run: Any, manifest: Manifest, answered: Answered) -> None:
    for read in answered.read:
        manifest.intake.records_left += read.left
        if read.refused is not None:
            manifest.refused(read.file, read.refused)
        else:
            manifest.taken(read.file, read.counts, read.rejected)
    if answered.lake:
        run.con.small.executemany("insert into lake_files values (?, ?)", [(f, run.run_id) for f in answered.lake])
    lake_place = run.spark.lake_of(run)
    for name in answered.marks:
        with lake_place.opened(name) as stream:
            rows = pq.read_table(stream)
        run.con.small.register("handed_marks", rows)
        run.con.small.execute(f"insert into incoming_{name.partition('/')[0]} by name from handed_marks")
        run.con.small.unregister("handed_marks")
    lake_place.remove(answered.marks)
