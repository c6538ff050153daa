"""Many small files of JSON Lines as one: gateways write a file a request, and a plan costs the same for each.

The lines of files that lie side by side are put together, read in one go, and what comes of them gets its own file
and line back. A file that does not begin with an object, or whose lines are not each one of their own, is read alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from pipelines.intake.batches import STAGED
from pipelines.intake.manifest import Due
from pipelines.intake.planned import PlannedFile, covers
from pipelines.intake.staging import Staging
from pipelines.sources.context import FileRef, ReadResult, date_in_path
from pipelines.sources.files import Held, open_bytes, start_of_text
from pipelines.sources.registry import FORMATS
from pipelines.storage.models import sql
from pipelines.storage.rows import as_table

#: Unpacked bytes of one file, and of all files read in one go.
ONE, ALL = 1 << 20, 16 << 20
#: The name of joined files in the incoming tables, until each row has its own again. No path ends so.
NAME = "joined files/"


@dataclass
class Joined:
    """Files on their way together: same source, kind, windows and date in their paths."""

    files: list[Due] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  #: the line before the first of each file
    size: int = 0
    lines: int = 0
    left: int = 0  #: records that the plan has read and that this run does not take

    def takes(self, file: Due) -> bool:
        """Adds a file if it can be read with those before it. Raises `Refused` where nothing of it may be stored."""
        if file.held is None or not covers(file.found.source.kind, file.found.name):
            return False
        if self.files and (_alike(self.files[0]) != _alike(file) or self.size >= ALL):
            return False
        text = _lines(file)
        if text is None:
            return False
        self.files.append(file)
        self.starts.append(self.lines)
        self.texts.append(text)
        self.lines += text.count(b"\n")
        self.size += len(text)
        return True

    def place(self, line: int) -> tuple[int, int]:
        """Which file a line belongs to, and its number there."""
        at = bisect_right(self.starts, line - 1) - 1
        return at, line - self.starts[at]

    def read(self, staging: Staging, ref: FileRef, outside: str | None) -> Iterator[tuple[int, ReadResult]]:
        """What the plan leaves, with its file's place in `files`. Then `stored` says what the plan has taken."""
        ref.path, ref.name = Held("joined.jsonl", b"".join(self.texts)), NAME
        source = self.files[0].found.source
        planned = PlannedFile(staging, source.name, ref, outside, source.kind)
        for line, parsed in planned.results():
            at, own = self.place(line or 1)
            yield at, ReadResult(own, parsed)
        self.left = planned.left

    def stored(self, staging: Staging) -> Iterator[tuple[int, int]]:
        """Give the rows that the plan stored their own file and line; how many of each file."""
        con = staging.con
        ends = [*self.starts[1:], self.lines]
        rows = [
            (f.found.name, i, *span)
            for i, (f, span) in enumerate(zip(self.files, zip(self.starts, ends, strict=True), strict=True))
        ]
        types = {"place": pa.int64(), "before": pa.int64(), "last": pa.int64()}
        with as_table(con, "joined", ("name", "place", "before", "last"), rows, types):
            con.execute(f"create or replace temp table joined_lines as {sql('intake/joined_lines')}")
        found = con.execute(
            "select place, count(*) from (select line from records where file = $name "
            "union all select line from incoming_outcomes where file = $name) as planned "
            "inner join joined_lines using (line) group by place",
            {"name": NAME},
        ).fetchall()
        for incoming in STAGED.values():
            con.execute(
                f"update {incoming} set file = joined_lines.name, line = {incoming}.line - before from joined_lines "
                f"where {incoming}.file = $name and {incoming}.line = joined_lines.line",
                {"name": NAME},
            )
        yield from found


def _alike(file: Due) -> tuple[str, str, bool, tuple[object, ...], datetime | None]:
    source = file.found.source
    return source.name, source.kind, file.same, tuple(file.windows), date_in_path(file.found.name)


def _lines(file: Due) -> bytes | None:
    """The unpacked lines of a file, each with its line feed; None where it is long or something else than JSON Lines.

    Raises `Refused`.
    """
    assert file.held is not None
    with open_bytes(file.held) as stream:
        text = start_of_text(stream)
        while len(text) <= ONE and (chunk := stream.read(ONE)):
            text += chunk
        if len(text) > ONE or (text and text[:1] != b"{"):
            return None
    if text and not text.endswith(b"\n"):
        text += b"\n"
    documents = "json" in FORMATS[file.found.source.kind].shapes
    return None if documents and not all(map(_is_a_value, text.split(b"\n"))) else text


def _is_a_value(line: bytes) -> bool:
    """Whether a line begins and ends as an object does: side by side, such lines are never parts of one document."""
    line = line.strip()
    return not line or (line[:1] == b"{" and line[-1:] == b"}")
