"""The lean reader of outcomes at work on a file: events in batches, each a few arrays, appended by one statement."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.intake.lean import Numbered
from pipelines.intake.staging import Staging
from pipelines.sources.context import Context, FileRef
from pipelines.sources.plans import outcomes
from pipelines.storage.models import literal
from pipelines.storage.rows import Shown


@dataclass
class EventLines:
    """Stores what the reader is certain of, batch by batch, in `incoming_outcomes`."""

    staging: Staging
    source: str
    ref: FileRef
    outside: str | None = None  #: SQL over events: days that this run does not take
    taken: int = 0
    left: int = 0  #: events that were read and that this run does not take
    reader: outcomes.Reader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = outcomes.Reader(Context(self.ref))

    def take(self, batch: list[Numbered]) -> list[Numbered]:
        """Store what is sure of some lines; the other lines, in order."""
        read = self.reader.read
        others: list[Numbered] = []
        for number, line in batch:
            try:
                read(number, line or b"")
            except Exception:  # whatever is odd about it, the parser of single records has the words for it
                others.append((number, line))
        if self.reader.rows:
            self._store()
        return others

    def _store(self) -> None:
        con = self.staging.con
        shown = Shown(self.reader.table())
        con.register("lean_events", shown)
        stored = con.execute(
            f"insert into incoming_outcomes by name select {literal(self.source)} as source, 'outcomes' as kind, "
            f"{literal(self.ref.name)} as file, * from lean_events"
            + (f" where not ({self.outside})" if self.outside else "")
        ).fetchall()[0][0]
        self.taken += stored
        self.left += len(self.reader.rows) - stored
        self.reader.rows.clear()
        shown.nothing()
        con.unregister("lean_events")

    def ended(self) -> None:
        """Nothing is held between batches."""
