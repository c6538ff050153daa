"""Files that a plan takes: most lines go straight into the ledger's `records` or `incoming_outcomes`, the others one by one.

A plan leaves out every line that it is not certain to read as the parser of single records would. So what a
file gives is the same either way, and one odd line costs only itself. Kinds `requests` and `outcomes` are read by one
query a piece, the kinds of `lean.READERS` (and what the query leaves of `outcomes`) by readers that fill columns; `python -m tests.benchmark.reading` says what that buys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.intake.events import EventLines
from pipelines.intake.lean import READERS, LeanLines, batches
from pipelines.intake.staging import Staging, filters_in_place
from pipelines.sources.context import AHEAD, FileRef, ReadResult
from pipelines.sources.documents import Beginning, beginning
from pipelines.sources.files import MAX_LINE, lines, open_bytes, plain_name, start_of_text
from pipelines.sources.plans import requests
from pipelines.sources.plans.pieces import NOTHING, PIECE, Piece, pieces
from pipelines.sources.registry import FORMATS, read, read_lines
from pipelines.storage.rows import Shown

#: Planning a query costs as much as reading this many lines one by one.
FEW_LINES = 400
#: Bytes of lines that lean readers hold at once; each costs some three times as much as values.
LEAN_BYTES = 8 << 20


def covers(kind: str, name: str) -> bool:
    """Whether there is a plan for such a file."""
    return kind in ("requests", "outcomes", *READERS) and not plain_name(name).endswith((".parquet", ".csv"))


@dataclass
class PlannedFile:
    """One file on its way; `taken` counts the records that the plan has stored and that lie in the window."""

    staging: Staging
    source: str
    ref: FileRef
    outside: str | None = None  #: SQL over records: days that this run does not take
    kind: str = "requests"
    piece_size: int = PIECE
    few: int = FEW_LINES
    taken: int = 0
    left: int = 0  #: records that the plan has read and that this run does not take

    def results(self) -> Iterator[ReadResult]:
        """Records and refusals of the lines that the plan left out. Raises `Refused` like `registry.read`."""
        if self.kind == "requests":
            return self._by_query()
        return self._events() if self.kind == "outcomes" else self._lean()

    def _lean(self) -> Iterator[ReadResult]:
        form = FORMATS[self.kind]
        plan = LeanLines(self.staging, self.source, self.kind, self.ref, self.outside)
        with open_bytes(self.ref.path, self.ref.seen) as stream:
            first = start_of_text(stream)
            begins = beginning(first)
            if begins is not Beginning.DOCUMENT:
                broken = begins is Beginning.BROKEN
                numbered = lines(stream, first, limit=MAX_LINE if broken else form.line_limit)
                for place, batch in enumerate(batches(numbered, min(self.piece_size, LEAN_BYTES))):
                    few = len(batch) <= self.few and not place
                    yield from read_lines(self.kind, batch if few else plan.take(batch), self.ref, broken=broken)
                    self.taken, self.left = plan.taken, plan.left
        plan.ended()
        if begins is Beginning.DOCUMENT:
            yield from read(self.kind, self.ref)

    def _events(self) -> Iterator[ReadResult]:
        plan = EventLines(self.staging, self.source, self.ref, self.outside)
        with open_bytes(self.ref.path) as stream:
            begins = beginning(start_of_text(stream))
        if begins is not Beginning.LINES:
            yield from read(self.kind, self.ref)
            return
        with open_bytes(self.ref.path, self.ref.seen) as stream:
            for place, piece in enumerate(pieces(stream, self.piece_size)):
                few = len(piece) <= self.few
                left = range(len(piece)) if few else plan.take_piece(piece)
                numbered = _said(piece, left)
                yield from read_lines(self.kind, numbered if few and not place else plan.take(list(numbered)), self.ref)
                self.taken, self.left = plan.taken, plan.left

    def _by_query(self) -> Iterator[ReadResult]:
        layout = requests.Layout()
        shown = Shown(NOTHING)
        self.staging.con.register("piece", shown)
        with open_bytes(self.ref.path, self.ref.seen) as stream:
            for piece in pieces(stream, self.piece_size):
                left: Iterable[int] = range(len(piece))
                if len(piece) > self.few:
                    known, layout = layout, requests.learn(piece.sample(), layout)
                    shown.table = piece.table()
                    left = self._take(piece, layout, anew=layout != known)
                yield from read_lines("requests", _said(piece, left), self.ref)
        shown.nothing()
        self.staging.con.unregister("piece")

    def _take(self, piece: Piece, layout: requests.Layout, *, anew: bool) -> list[int]:
        """Store what is sure; places of the other lines."""
        con = self.staging.con
        latest = f"timestamptz '{(self.ref.now + AHEAD).isoformat()}'"
        model = requests.query(layout, lines="piece", source=self.source, file=self.ref.name, latest=latest)
        if self.outside is None:
            if anew:
                self.staging.prepare(f"({model})")
            found = f"records where {self.staging.of_file(self.source, self.ref.name)}"
            found += f" and line >= {piece.first} and line < {piece.first + len(piece)}"
            sure = stored = self.staging.take_prepared()
        else:
            found = "planned_rows"
            with filters_in_place(con):
                con.execute(f"create or replace temp table planned_rows as {model}")
            sure = con.execute("select count(*) from planned_rows").fetchall()[0][0]
            stored = self.staging.take(f"(from planned_rows where not ({self.outside}))")
        self.taken += stored
        self.left += sure - stored
        if sure == len(piece):
            return []
        return piece.others(con.execute(f"select line from {found}").fetchnumpy()["line"])


def _said(piece: Piece, places: Iterable[int]) -> Iterator[tuple[int, bytes | None]]:
    """Lines of a piece that are not blank, with their numbers."""
    for place in places:
        line = piece.line(place)
        if line is None or (line and not line.isspace()):
            yield piece.first + place, line
