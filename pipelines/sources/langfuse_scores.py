"""Kind `langfuse-scores`: scores out of Langfuse's API, its exports or its blob storage.

A score names a trace and perhaps an observation, no model: it meets its request in the ledger. `ANNOTATION` is a
person's mark, `EVAL` and `API` a judge's unless the source declares its `signal`. Comments never leave this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.sources import canonical, documents
from pipelines.sources.context import Context
from pipelines.sources.envelope import each
from pipelines.sources.formats import Format
from pipelines.sources.marking import Scale
from pipelines.sources.record import Parsed, Score
from pipelines.sources.scoring import quality, scale, score_name
from pipelines.sources.tables import Cells
from pipelines.sources.values import Reject, decimal, mapping, optional_text, text, utc_text

_SIGNALS = {"ANNOTATION": "human", "EVAL": "judge", "API": "judge"}
_KINDS = ("NUMERIC", "BOOLEAN", "CATEGORICAL")


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """One score, or a page of them (`{"data": […]}`)."""
    line = dict(value) if type(value) is Cells else mapping(value, "line")
    if type(line.get("data")) is list:
        return each(line["data"], _score, context)
    return _score(line, context)


def _score(value: Any, context: Context) -> tuple[Score, ...]:
    line = mapping(value, "score")

    def get(snake: str, camel: str) -> Any:
        found = line.get(snake)
        return line.get(camel) if found is None else found

    kind = get("data_type", "dataType") or "NUMERIC"
    name = score_name(line.get("name"))
    if kind not in _KINDS or not context.marking.counts(name):
        context.notes.skipped += 1
        return ()
    label = get("string_value", "stringValue")
    number = line.get("value")
    if kind == "CATEGORICAL":
        number = None  # the number of a category is its place in a list, no quality
    elif type(number) is str:
        number = decimal(number, "value")
    trace, observation = get("trace_id", "traceId"), get("observation_id", "observationId")
    if not trace and not observation:
        raise Reject("traceId: expected the trace or the observation that was scored")
    source = line.get("source")
    found = Score(
        score_key=text(line.get("id"), "id"),
        time=utc_text(line.get("timestamp"), "timestamp", context),
        name=name,
        quality=quality(context.marking, name, number, label, _range(line)),
        signal=context.marking.signal or (_SIGNALS.get(source) if type(source) is str else None),
        trace_id=optional_text(trace, "traceId"),
        span_id=optional_text(observation, "observationId"),
    )
    found.canonical = canonical.text(found.said())
    return (found,)


def _range(line: dict[str, Any]) -> Scale | None:
    """The score's own configuration, where the export carries it."""
    config = line.get("config")
    if type(config) is str and config[:1] == "{":  # a table's cell
        config = documents.parse(config.encode("utf-8"))
    if type(config) is not dict:
        return None
    return scale(config.get("minValue"), config.get("maxValue"))


FORMATS = (
    Format(
        kind="langfuse-scores",
        shapes=("json", "csv", "parquet"),
        tokens="none",
        key="id; the latest timestamp wins",
        time="timestamp, UTC",
        tags="none: the request's own",
        parse=parse,
    ),
)
