"""Records inside other records: bodies in a wrapper with time and tags, lists in one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from pipelines.sources.context import Context
from pipelines.sources.quarantine import excerpt
from pipelines.sources.record import Parsed, Quarantined
from pipelines.sources.values import ODD, Reject, mapping, rfc3339


def unwrap(value: Any, own: AbstractSet[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body and what stands beside it: `{"time", "response": body, …}` or `{…body, "time", …}`."""
    line = mapping(value, "line")
    if not line:
        raise Reject("expected an object")
    inner = line.get("response")
    if type(inner) is dict:
        return inner, {name: field for name, field in line.items() if name != "response"}
    return line, {name: field for name, field in line.items() if name not in own}


def each(values: list[Any], parse: Callable[[Any, Context], Iterable[Parsed]], context: Context) -> Iterator[Parsed]:
    """The records of a list, so that a bad one costs only itself."""
    for value in values:
        try:
            yield from parse(value, context)
        except Reject as verdict:
            yield Quarantined(str(verdict), excerpt(value))
        except ODD:
            yield Quarantined("not the shape of a record of this kind", excerpt(value))


def instant(beside: dict[str, Any], context: Context) -> datetime:
    """The time that the wrapper gives (it is no tag then), else the date in the file's path."""
    for name in ("time", "timestamp"):
        found = beside.pop(name, None)
        if found is not None:
            return rfc3339(found, name, context)
    if context.default_time is None:
        raise Reject("no time")
    return context.default_time
