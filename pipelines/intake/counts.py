"""What a run read: counts per file and for the whole run, where read = stored + duplicate + superseded + quarantined."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


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
