"""Every kind of source that can be read, and the one way to read a file of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.sources import (
    anthropic,
    azure,
    bedrock,
    facts,
    focus,
    google,
    helicone,
    invoices,
    langfuse,
    langfuse_scores,
    litellm,
    openai,
    openrouter,
    opentelemetry,
    otel_evaluations,
    outlay_log,
    promptfoo,
    provider_pages,
)
from pipelines.sources.bills import Aggregated
from pipelines.sources.context import Context, FileRef, ReadResult
from pipelines.sources.documents import Row, json_any, json_lines, line_values, parse, too_long
from pipelines.sources.files import Refused, open_bytes, plain_name
from pipelines.sources.formats import Format
from pipelines.sources.quarantine import excerpt
from pipelines.sources.record import Quarantined
from pipelines.sources.recorded import reading_recorded
from pipelines.sources.tables import csv_rows, parquet_rows
from pipelines.sources.values import ODD, Reject, said_time

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
    promptfoo,
    langfuse_scores,
    otel_evaluations,
)
FORMATS: dict[str, Format] = {form.kind: form for family in _FAMILIES for form in family.FORMATS}
FORMATS |= {kind: reading_recorded(FORMATS[kind]) for kind in ("openai", "anthropic", "vertex")}


#: Kinds whose records are no requests and no events: they reconcile, see `bills`.
AGGREGATED: dict[str, Format] = {
    form.kind: form for form in (*provider_pages.FORMATS, *focus.FORMATS, *invoices.FORMATS, facts.COUNTS)
}


def kinds_supported() -> tuple[str, ...]:
    """The kinds that `read` knows."""
    return tuple(FORMATS)


def kinds_read() -> tuple[str, ...]:
    """Every kind that a run takes in: those of `read` and of `read_aggregated`."""
    return (*FORMATS, *AGGREGATED)


def read(kind: str, file: FileRef) -> Iterator[ReadResult]:
    """Stream one file as records and refusals, in the order of the file.

    Everything but a `SpanContext` counts as one record read. Raises `Refused` where nothing of the file may
    be stored; as a damaged gzip file shows itself only at its end, that can come after records were yielded,
    and the caller must then discard what it took from this file.
    """
    for line, parsed in _records(FORMATS[kind], file):
        yield ReadResult(line, parsed)


def read_lines(
    kind: str, numbered: Iterable[tuple[int, bytes | None]], file: FileRef, *, broken: bool = False
) -> Iterator[ReadResult]:
    """Like `read`, for single lines of a file of JSON Lines; None stands for one that is too long.

    `broken`: the file's first line is no JSON (`documents.Beginning`).
    """
    form = FORMATS[kind]
    for number, parsed in _parsed(form, _each_line(form, numbered, broken=broken), Context(file)):
        yield ReadResult(number, parsed)


def _each_line(form: Format, numbered: Iterable[tuple[int, bytes | None]], *, broken: bool) -> Iterator[Row]:
    for number, line in numbered:
        if line is None:
            yield number, too_long() if broken else too_long(form.line_limit)
        elif broken or "json" not in form.shapes:
            yield number, parse(line)
        else:
            yield from line_values(number, line)


def read_aggregated(kind: str, file: FileRef) -> Iterator[tuple[int | None, Aggregated | Quarantined]]:
    """Like `read`, for the kinds in `AGGREGATED`."""
    yield from _records(AGGREGATED[kind], file)


def _records(form: Format, file: FileRef) -> Iterator[tuple[int | None, Any]]:
    return _parsed(form, _rows(form, file), Context(file))


def _parsed(form: Format, rows: Iterable[Row], context: Context) -> Iterator[tuple[int | None, Any]]:
    for line, value in rows:
        if type(value) is Quarantined:
            yield line, value
            continue
        try:
            for each in form.parse(value, context):
                yield line, each
        except Reject as verdict:
            yield line, Quarantined(str(verdict), excerpt(value), said_time(value))
        except ODD:
            yield line, Quarantined(f"not the shape of a {form.kind} record", excerpt(value), said_time(value))


def _rows(form: Format, file: FileRef) -> Iterator[Row]:
    name = plain_name(file.name)
    if name.endswith(".parquet"):
        if "parquet" not in form.shapes:
            raise Refused(f"Parquet: kind {form.kind} is read from {' or '.join(form.shapes)}")
        yield from parquet_rows(file.path)
        return
    with open_bytes(file.path, file.seen) as stream:
        if name.endswith(".csv") and "csv" in form.shapes:
            yield from csv_rows(stream)
        elif "json" in form.shapes:
            yield from json_any(stream, form.line_limit)
        else:
            yield from json_lines(stream)
