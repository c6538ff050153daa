"""Lines `{"time", "response", …tags}` in kinds `openai`, `anthropic` and `vertex`: whatever of the three the body is.

A recorder in front of several providers writes one file. Such a line says by its body whose it is, so it is read
alike under each of the three kinds; every other line belongs to the kind alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from pipelines.sources import anthropic, canonical, google, openai
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.record import Parsed, RequestRecord
from pipelines.sources.recorded_bodies import ANTHROPIC, GEMINI, OPENAI, recorded, shape
from pipelines.sources.values import Reject

_READERS: dict[str, Callable[[dict[str, Any], dict[str, Any], Context], RequestRecord]] = {
    OPENAI: openai.call,
    ANTHROPIC: anthropic.message,
    GEMINI: google.generation,
}


def reading_recorded(form: Format) -> Format:
    """The same format, also reading recorded responses."""
    own = form.parse

    def parse(value: Any, context: Context) -> Iterable[Any]:
        found = recorded(value)
        return own(value, context) if found is None else _call(*found, context)

    return replace(form, parse=parse)


def _call(body: dict[str, Any], beside: dict[str, Any], whole: bool, context: Context) -> tuple[Parsed]:
    kind = str(shape(body))
    if kind == OPENAI and not whole and not body.get("usage"):
        raise Reject("no usage: a stream ends with it only where stream_options.include_usage is set")
    record = _READERS[kind](body, beside, context)
    if not whole:
        record.flags = (*record.flags, "incomplete_stream")
    record.canonical = canonical.of_request(record)
    return (record,)
