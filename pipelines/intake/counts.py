"""What a run read: counts per file and for the whole run, where read = stored + duplicate + superseded + quarantined."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


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
