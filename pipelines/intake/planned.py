"""Files that a vectorised plan takes: most lines go straight into `incoming_requests`, the others one by one.

The plan leaves out every line that it is not certain to read as the parser of single records would. So what a
file gives is the same either way, and one odd line costs only itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np

from pipelines.sources.context import AHEAD, FileRef, ReadResult
from pipelines.sources.files import open_bytes, plain_name
from pipelines.sources.plans import requests
from pipelines.sources.plans.pieces import PIECE, Piece, pieces
from pipelines.sources.registry import read_lines

#: Planning a query costs as much as reading this many lines one by one.
FEW_LINES = 400


def covers(kind: str, name: str) -> bool:
    """Whether there is a plan for such a file."""
    return kind == "requests" and not plain_name(name).endswith(".parquet")


@dataclass
class PlannedFile:
    """One file on its way; `taken` counts the records that the plan has stored and that lie in the window."""

    con: duckdb.DuckDBPyConnection
    source: str
    ref: FileRef
    outside: str | None = None  #: SQL over `incoming_requests`: days that this run does not take
    piece_size: int = PIECE
    few: int = FEW_LINES
    taken: int = 0

    def results(self) -> Iterator[ReadResult]:
        """Records and refusals of the lines that the plan left out. Raises `Refused` like `registry.read`."""
        layout = requests.Layout()
        with open_bytes(self.ref.path) as stream:
            for piece in pieces(stream, self.piece_size):
                left: Iterable[int] = range(len(piece))
                if len(piece) > self.few:
                    layout = requests.learn(piece.sample(), layout)
                    left = self._take(piece, layout)
                lines = ((piece.first + place, piece.line(place)) for place in left)
                said = ((number, line) for number, line in lines if line is None or (line and not line.isspace()))
                yield from read_lines("requests", said, self.ref)

    def _take(self, piece: Piece, layout: requests.Layout) -> list[int]:
        """Store what is sure; places of the other lines."""
        latest = f"timestamptz '{(self.ref.now + AHEAD).isoformat()}'"
        model = requests.query(layout, lines="piece", source=self.source, file=self.ref.name, latest=latest)
        self.con.register("piece", piece.table())
        with _filters_in_place(self.con):
            stored = self.con.execute(f"insert into incoming_requests by name {model}").fetchall()[0][0]
        self.con.unregister("piece")
        here = {"source": self.source, "file": self.ref.name, "first": piece.first, "end": piece.first + len(piece)}
        where = "source = $source and file = $file and line >= $first and line < $end"
        left = np.arange(0)  # places that the plan left out
        if stored < len(piece):
            found = self.con.execute(f"select line from incoming_requests where {where}", here).fetchnumpy()["line"]
            left = np.setdiff1d(np.arange(len(piece)), np.asarray(found) - piece.first)
        if self.outside:
            away = f"delete from incoming_requests where {where} and ({self.outside})"
            stored -= self.con.execute(away, here).fetchall()[0][0]
        self.taken += stored
        return left.tolist()


@contextmanager
def _filters_in_place(con: duckdb.DuckDBPyConnection) -> Generator[None]:
    """Keep each filter where the model has it: moved down, it would work out the columns it needs twice."""
    con.execute("set disabled_optimizers = 'filter_pushdown'")
    try:
        yield
    finally:
        con.execute("reset disabled_optimizers")
