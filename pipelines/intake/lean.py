"""Lean readers at work on a file: lines in batches, each a few arrays, stored by one prepared query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.intake.staging import Staging
from pipelines.sources.context import Context, FileRef
from pipelines.sources.plans import bedrock, litellm, otlp
from pipelines.sources.plans.collected import Collected
from pipelines.sources.registry import FORMATS
from pipelines.storage.models import filled, literal
from pipelines.storage.rows import Shown

Numbered = tuple[int, bytes | None]
BATCH_LINES = 8192


class Reader(Protocol):
    """Collects what it is certain of; raises for any other line, of which it has then collected nothing."""

    doubtful: set[str]  #: names of tags whose values are looked at one by one
    requests: Collected
    spans: Collected
    resources: list[dict[str, str]]

    def read(self, number: int, line: bytes) -> None: ...

    def emptied(self) -> None: ...


READERS: dict[str, Callable[[Context], Reader]] = {
    "otlp": otlp.Reader,
    "litellm": litellm.Reader,
    "bedrock": bedrock.Reader,
}


@dataclass
class LeanLines:
    """Stores what a reader is certain of, batch by batch."""

    staging: Staging
    source: str
    kind: str
    ref: FileRef
    outside: str | None = None  #: SQL over records: days that this run does not take
    taken: int = 0
    left: int = 0  #: records that were read and that this run does not take
    reader: Reader = field(init=False)
    _shown: Shown | None = None

    def __post_init__(self) -> None:
        self.reader = READERS[self.kind](Context(self.ref))

    def take(self, batch: list[Numbered]) -> list[Numbered]:
        """Store what is sure of some lines; the other lines, in order."""
        reader, read = self.reader, self.reader.read
        reader.emptied()
        others: list[Numbered] = []
        for number, line in batch:
            if line is None:
                others.append((number, line))
                continue
            try:
                read(number, line)
            except Exception:  # whatever is odd about it, the parser of single records has the words for it
                others.append((number, line))
        requests, spans = reader.requests, reader.spans
        doubt, names = requests.doubtful()
        more, other_names = spans.doubtful()
        if doubt or more:
            doubt |= more
            reader.doubtful |= names | other_names
            requests, spans = requests.without(doubt), spans.without(doubt)
            others = sorted(others + [(number, line) for number, line in batch if number in doubt])
        self._store(requests, spans)
        return others

    def _store(self, requests: Collected, spans: Collected) -> None:
        con = self.staging.con
        if requests.rows:
            table = requests.table(self.reader.resources)
            if self._shown is None:
                self._shown = Shown(table)
                con.register("lean_rows", self._shown)
                if self.outside is None:
                    self.staging.prepare(f"({self._model()})")
            self._shown.table = table
            if self.outside is None:
                stored = self.staging.take_prepared()
            else:
                stored = self.staging.take(f"(from ({self._model()}) as found where not ({self.outside}))")
            self.taken += stored
            self.left += len(requests.rows) - stored
        if spans.rows:
            shown = Shown(spans.table())
            con.register("lean_spans", shown)
            con.execute(
                f"insert into incoming_spans by name select {literal(self.source)} as source, "
                f"{literal(self.kind)} as kind, {literal(self.ref.name)} as file, * from lean_spans"
            )
            shown.nothing()
            con.unregister("lean_spans")

    def _model(self) -> str:
        return filled(
            "sources/collected",
            source=literal(self.source),
            kind=literal(self.kind),
            file=literal(self.ref.name),
            estimate=str(FORMATS[self.kind].recorded == "estimate").lower(),
            rows="lean_rows",
        )

    def ended(self) -> None:
        """Let go of the last batch."""
        if self._shown is not None:
            self._shown.nothing()
            self.staging.con.unregister("lean_rows")


def batches(lines: Iterator[Numbered], size: int) -> Iterator[list[Numbered]]:
    """Lines in batches of about so many bytes."""
    batch: list[Numbered] = []
    held = 0
    for number, line in lines:
        batch.append((number, line))
        held += len(line or b"")
        if held >= size or len(batch) >= BATCH_LINES:
            yield batch
            batch, held = [], 0
    yield batch
