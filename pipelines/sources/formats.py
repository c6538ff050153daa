"""What each source format declares about itself, in one place a reader of the code can compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.sources.bills import Aggregated
from pipelines.sources.context import Context
from pipelines.sources.files import MAX_LINE
from pipelines.sources.record import Parsed

Shape = Literal["json lines", "json", "csv", "parquet"]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of source. `parse` turns one value of the file into records, or raises `Reject`."""

    kind: str
    shapes: tuple[Shape, ...]  #: `json` = JSON Lines, one document, or an array of records
    tokens: str  #: what the input and output counts include
    key: str  #: what makes a record the same record
    time: str  #: field and unit
    tags: str  #: where tags travel
    parse: Callable[[Any, Context], Iterable[Parsed | Aggregated]]
    recorded: Literal["none", "exact", "estimate"] = "none"  #: what a cost in the log is worth
    line_limit: int = MAX_LINE  #: bytes of a line; a Collector writes a whole batch of spans as one
