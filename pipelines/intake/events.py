"""Outcome events of a file on their way to `incoming_outcomes`: a piece by one query, what it leaves by the lean reader."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.intake.lean import Numbered
from pipelines.intake.staging import Staging, filters_in_place
from pipelines.sources.context import AHEAD, Context, FileRef
from pipelines.sources.plans import events, outcomes
from pipelines.sources.plans.pieces import Piece
from pipelines.storage.models import literal
from pipelines.storage.rows import Shown


@dataclass
class EventLines:
    """Stores what a plan is certain of in `incoming_outcomes`."""

    staging: Staging
    source: str
    ref: FileRef
    outside: str | None = None  #: SQL over events: days that this run does not take
    taken: int = 0
    left: int = 0  #: events that were read and that this run does not take
    reader: outcomes.Reader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = outcomes.Reader(Context(self.ref))

    def take_piece(self, piece: Piece) -> list[int]:
        """Store what the query is sure of; places of the other lines."""
        con = self.staging.con
        shown = Shown(piece.table())
        con.register("piece", shown)
        latest = f"timestamptz '{(self.ref.now + AHEAD).isoformat()}'"
        with filters_in_place(con):
            con.execute(f"create or replace temp table planned_events as {events.query(lines='piece', latest=latest)}")
        shown.nothing()
        con.unregister("piece")
        read = con.execute("select count(*) from planned_events").fetchall()[0][0]
        self._store("planned_events", read)
        if read == len(piece):
            return []
        return piece.others(con.execute("select line from planned_events").fetchnumpy()["line"])

    def take(self, batch: list[Numbered]) -> list[Numbered]:
        """Store what the lean reader is sure of; the other lines, in order."""
        read = self.reader.read
        others: list[Numbered] = []
        for number, line in batch:
            try:
                read(number, line or b"")
            except Exception:  # whatever is odd about it, the parser of single records has the words for it
                others.append((number, line))
        if self.reader.rows:
            con = self.staging.con
            shown = Shown(self.reader.table())
            con.register("lean_events", shown)
            self._store("lean_events", len(self.reader.rows))
            self.reader.rows.clear()
            shown.nothing()
            con.unregister("lean_events")
        return others

    def _store(self, rows: str, read: int) -> None:
        """Rows of a table with the columns of `OUTCOME_SCHEMA` from `line` on, but those of other days."""
        stored = self.staging.con.execute(
            f"insert into incoming_outcomes by name select {literal(self.source)} as source, 'outcomes' as kind, "
            f"{literal(self.ref.name)} as file, * from {rows}"
            + (f" where not ({self.outside})" if self.outside else "")
        ).fetchall()[0][0]
        self.taken += stored
        self.left += read - stored

    def ended(self) -> None:
        """Nothing is held between batches."""
