"""Files that a vectorised plan takes: most lines go straight into the ledger's `records`, the others one by one.

The plan leaves out every line that it is not certain to read as the parser of single records would. So what a
file gives is the same either way, and one odd line costs only itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.intake.staging import Staging, filters_in_place
from pipelines.sources.context import AHEAD, FileRef, ReadResult
from pipelines.sources.files import open_bytes, plain_name
from pipelines.sources.plans import requests
from pipelines.sources.plans.pieces import NOTHING, PIECE, Piece, pieces
from pipelines.sources.registry import read_lines

#: Planning a query costs as much as reading this many lines one by one.
FEW_LINES = 400


def covers(kind: str, name: str) -> bool:
    """Whether there is a plan for such a file."""
    return kind == "requests" and not plain_name(name).endswith(".parquet")


@dataclass
class PlannedFile:
    """One file on its way; `taken` counts the records that the plan has stored and that lie in the window."""

    staging: Staging
    source: str
    ref: FileRef
    outside: str | None = None  #: SQL over records: days that this run does not take
    piece_size: int = PIECE
    few: int = FEW_LINES
    taken: int = 0
    left: int = 0  #: records that the plan has read and that this run does not take
    singly: int = 0  #: lines that the plan left to the parser of single records

    def results(self) -> Iterator[ReadResult]:
        """Records and refusals of the lines that the plan left out. Raises `Refused` like `registry.read`."""
        layout = requests.Layout()
        shown = _Shown()
        self.staging.con.register("piece", shown)
        with open_bytes(self.ref.path, self.ref.seen) as stream:
            for piece in pieces(stream, self.piece_size):
                left: Iterable[int] = range(len(piece))
                if len(piece) > self.few:
                    known, layout = layout, requests.learn(piece.sample(), layout)
                    shown.table = piece.table()
                    left = self._take(piece, layout, anew=layout != known)
                lines = ((piece.first + place, piece.line(place)) for place in left)
                said = ((number, line) for number, line in lines if line is None or (line and not line.isspace()))
                for result in read_lines("requests", said, self.ref):
                    self.singly += 1
                    yield result
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
        lines = con.execute(f"select line from {found}").fetchnumpy()["line"]
        return np.setdiff1d(np.arange(len(piece)), np.asarray(lines) - piece.first).tolist()


@dataclass
class _Shown:
    """The piece that a prepared query reads when it is executed."""

    table: pa.Table | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return (NOTHING if self.table is None else self.table).__arrow_c_stream__(requested_schema)
