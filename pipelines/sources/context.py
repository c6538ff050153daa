"""What a caller hands to a reader and gets back: the file, its dates, the notes taken while reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from pipelines.sources.files import Place
from pipelines.sources.marking import NO_MARKING, Marking
from pipelines.sources.record import Parsed

_DAY = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_BUCKET = re.compile(r"[a-z0-9]+://[^/]*/")
#: A time further ahead of the wall clock than this is a wrong clock, not a call.
AHEAD = timedelta(hours=24)


class ReadResult(NamedTuple):
    """One record, or one refusal, and the line it starts on (from 1; None where a file has no lines)."""

    line: int | None
    parsed: Parsed


@dataclass(slots=True)
class Notes:
    """Counts taken while one file is read. Holds no value of any record."""

    dropped: Counter[str] = field(default_factory=Counter)  #: fields not kept, by why: content, secret, long …
    unknown: Counter[str] = field(default_factory=Counter)  #: token keys that no table names
    skipped: int = 0  #: records that are no requests (spans, other log categories)


@dataclass(slots=True)
class FileRef:
    """One input file. `now` serves only the rule against times in the future."""

    path: Place  #: absolute
    name: str  #: relative to the workspace, or the whole URL: what is shown
    default_time: datetime | None = None  #: for formats without a time, see `date_in_path`
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    mapped: AbstractSet[str] = frozenset()  #: tag keys the workspace maps; user ids are kept only if named here
    marking: Marking = NO_MARKING  #: what the source declares of its marks
    notes: Notes = field(default_factory=Notes)
    seen: Callable[[int], None] | None = None  #: told of every piece of bytes that is read


class Context:
    """The part of a `FileRef` that parsers need, with the latest credible time worked out once."""

    __slots__ = ("default_time", "latest", "mapped", "marking", "notes")

    def __init__(self, file: FileRef) -> None:
        self.default_time = file.default_time
        self.latest = file.now + AHEAD
        self.mapped = file.mapped
        self.marking = file.marking
        self.notes = file.notes

    def until(self, latest: datetime) -> Context:
        """The same, with another latest credible time: ends of periods may lie ahead."""
        other = copy(self)
        other.latest = latest
        return other


def date_in_path(name: str) -> datetime | None:
    """00:00 UTC of the first real YYYY-MM-DD in a path below the workspace or the bucket, or None."""
    bucket = _BUCKET.match(name)
    for match in _DAY.finditer(name, bucket.end() if bucket else 0):
        try:
            day = date.fromisoformat(match.group(1))
        except ValueError:
            continue
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    return None
