"""What a run read: counts per file and for the whole run, where read = stored + duplicate + superseded + quarantined."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from pipelines.storage.rows import as_table
from pipelines.workspace.errors import OutlayError


@dataclass(slots=True)
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
    refusals: list[tuple[str, str, str]] = field(default_factory=list)  #: source, file and reason
    folders_left: Counter[str] = field(default_factory=Counter)  #: date folders outside --from/--to, by source
    records_left: int = 0  #: records of new files outside the window; a later run takes them

    def refused(self, source: str, file: str, reason: str) -> None:
        self.files_refused += 1
        self.refusals.append((source, file, reason))

    def skipped(self) -> dict[str, object]:
        """What was not taken, and why: for people and for `run --json`."""
        return {
            "unchanged_files": self.files_unchanged,
            "refused_files": [dict(zip(("source", "file", "reason"), r, strict=True)) for r in self.refusals[:100]],
            "records_outside": self.records_left,
            "folders_outside": dict(sorted(self.folders_left.items())),
            "kinds_not_read": dict(sorted(self.skipped_kinds.items())),
        }

    def records(self) -> dict[str, int]:
        names = ("read", "stored", "duplicate", "superseded", "quarantined")
        return {name: sum(getattr(c, name) for c in self.per_file.values()) for name in names}


def tell_files(con: duckdb.DuckDBPyConnection, intake: Intake) -> None:
    """Write down what became of each file's records. Raises OutlayError where they do not add up."""
    check(intake)
    counts = ("stored", "duplicate", "superseded")
    rows = [(s, f, c.stored, c.duplicate, c.superseded) for (s, f), c in intake.per_file.items()]
    with as_table(con, "told", ("source", "file", *counts), rows, dict.fromkeys(counts, pa.int64())):
        con.execute(
            f"update files set {', '.join(f'{name} = files.{name} + told.{name}' for name in counts)} from told "
            "where files.source = told.source and files.file = told.file"
        )


def count_places(con: duckdb.DuckDBPyConnection, places: str, intake: Intake) -> None:
    rows = con.execute(
        "select source, file, count(*) filter (where place = 1), "
        "count(*) filter (where place > 1 and repetition = 1), count(*) filter (where repetition > 1) "
        f"from {places} where fresh = 1 group by source, file"
    ).fetchall()
    for source, file, stored, superseded, duplicate in rows:
        add(intake, source, file, stored, superseded, duplicate)


def add(intake: Intake, source: str, file: str, stored: int, superseded: int, duplicate: int) -> None:
    """Count for a file of this run; what a full rebuild keeps of files that are gone was counted when it was read."""
    counts = intake.per_file.get((source, file))
    if counts is not None:
        counts.stored += stored
        counts.superseded += superseded
        counts.duplicate += duplicate


def check(intake: Intake) -> None:
    """read = stored + duplicate + superseded + quarantined, for every file."""
    for (source, file), c in intake.per_file.items():
        if c.read != c.stored + c.duplicate + c.superseded + c.quarantined:
            raise OutlayError(f"{file} ({source}): {c} does not add up; nothing was changed")
