"""Every kind of source that can be read, and the one way to read a file of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.sources import (
    anthropic,
    azure,
    bedrock,
    facts,
    google,
    helicone,
    langfuse,
    litellm,
    openai,
    openrouter,
    opentelemetry,
    outlay_log,
    provider_pages,
)
from pipelines.sources.bills import Aggregated
from pipelines.sources.context import Context, FileRef, ReadResult
from pipelines.sources.documents import Row, json_any, json_lines
from pipelines.sources.files import Refused, open_bytes, plain_name
from pipelines.sources.formats import Format
from pipelines.sources.quarantine import excerpt
from pipelines.sources.record import Quarantined
from pipelines.sources.recorded import reading_recorded
from pipelines.sources.tables import csv_rows, parquet_rows
from pipelines.sources.values import ODD, Reject

_FAMILIES = (
    outlay_log,
    opentelemetry,
    litellm,
    openai,
    anthropic,
    bedrock,
    google,
    azure,
    langfuse,
    helicone,
    openrouter,
    facts,
)
FORMATS: dict[str, Format] = {form.kind: form for family in _FAMILIES for form in family.FORMATS}
FORMATS |= {kind: reading_recorded(FORMATS[kind]) for kind in ("openai", "anthropic", "vertex")}


#: Kinds whose records are no requests and no events: they reconcile, see `bills`.
AGGREGATED: dict[str, Format] = {form.kind: form for form in (*provider_pages.FORMATS, facts.COUNTS)}


def kinds_supported() -> tuple[str, ...]:
    """The kinds that `read` knows."""
    return tuple(FORMATS)


def read(kind: str, file: FileRef) -> Iterator[ReadResult]:
    """Stream one file as records and refusals, in the order of the file.

    Everything but a `SpanContext` counts as one record read. Raises `Refused` where nothing of the file may
    be stored; as a damaged gzip file shows itself only at its end, that can come after records were yielded,
    and the caller must then discard what it took from this file.
    """
    for line, parsed in _records(FORMATS[kind], file):
        yield ReadResult(line, parsed)


def read_aggregated(kind: str, file: FileRef) -> Iterator[tuple[int | None, Aggregated | Quarantined]]:
    """Like `read`, for the kinds in `AGGREGATED`."""
    yield from _records(AGGREGATED[kind], file)


def _records(form: Format, file: FileRef) -> Iterator[tuple[int | None, Any]]:
    context = Context(file)
    for line, value in _rows(form, file):
        if type(value) is Quarantined:
            yield line, value
            continue
        try:
            for each in form.parse(value, context):
                yield line, each
        except Reject as verdict:
            yield line, Quarantined(str(verdict), excerpt(value))
        except ODD:
            yield line, Quarantined(f"not the shape of a {form.kind} record", excerpt(value))


def _rows(form: Format, file: FileRef) -> Iterator[Row]:
    name = plain_name(file.name)
    if name.endswith(".parquet"):
        if "parquet" not in form.shapes:
            raise Refused(f"Parquet: kind {form.kind} is read from {' or '.join(form.shapes)}")
        yield from parquet_rows(file.path)
        return
    with open_bytes(file.path) as stream:
        if name.endswith(".csv") and "csv" in form.shapes:
            yield from csv_rows(stream)
        elif "json" in form.shapes:
            yield from json_any(stream, form.line_limit)
        else:
            yield from json_lines(stream)
