"""Kind `otel-evaluations`: `gen_ai.evaluation.result` events in OTLP/JSON, as log records or as events of spans.

An evaluation names no model: it meets its request in the ledger by the span it hangs on, else by
`gen_ai.response.id`, else by the trace. The evaluator is taken for a judge unless the source declares its `signal`.
Explanations never leave this module. Other log records and spans are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.sources import canonical, otlp_json
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.quarantine import excerpt
from pipelines.sources.record import Parsed, Quarantined, Score
from pipelines.sources.scoring import quality, score_name
from pipelines.sources.values import ODD, Reject, epoch, mapping, optional_text

EVENT = "gen_ai.evaluation.result"
_NAME, _VALUE, _LABEL = "gen_ai.evaluation.name", "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """All evaluations of one export request of logs or spans."""
    document = mapping(value, "line")
    if "resourceLogs" not in document and "resourceSpans" not in document:
        if "resourceMetrics" in document:
            context.notes.skipped += 1
            return ()
        raise Reject("expected resourceLogs or resourceSpans")
    return _events(document, context)


def _events(document: dict[str, Any], context: Context) -> Iterator[Parsed]:
    for fields, trace, span, nanoseconds in (*_log_records(document), *_span_events(document)):
        try:
            found = otlp_json.attributes(fields.get("attributes"))
            named = fields.get("eventName") or fields.get("name") or found.get("event.name")
            if named != EVENT and _NAME not in found:
                context.notes.skipped += 1
                continue
            yield from _score(found, trace, span, nanoseconds, context)
        except Reject as verdict:
            yield Quarantined(str(verdict), excerpt(fields))
        except ODD:
            yield Quarantined("not the shape of an evaluation", excerpt(fields))


def _score(found: dict[str, Any], trace: str, span: str, nanoseconds: Any, context: Context) -> Iterator[Score]:
    name = score_name(found.get(_NAME))
    if not context.marking.counts(name) or found.get("error.type") is not None:
        context.notes.skipped += 1
        return
    response = optional_text(found.get("gen_ai.response.id"), "gen_ai.response.id")
    if not trace and not span and response is None:
        raise Reject("expected a trace id, a span id or gen_ai.response.id")
    score = Score(
        score_key="|".join((trace, span, response or "", name)),
        time=epoch(nanoseconds, "timeUnixNano", 1_000_000_000, context),
        name=name,
        quality=quality(context.marking, name, found.get(_VALUE), found.get(_LABEL)),
        signal=context.marking.signal or "judge",
        trace_id=trace or None,
        span_id=span or None,
        response_id=response,
    )
    score.canonical = canonical.text(score.said())
    yield score


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if type(one) is dict] if type(value) is list else []


def _log_records(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str, Any]]:
    for resource in _objects(document.get("resourceLogs")):
        for scope in _objects(resource.get("scopeLogs")):
            for fields in _objects(scope.get("logRecords")):
                time = fields.get("timeUnixNano")
                if time in (None, 0, "0", ""):
                    time = fields.get("observedTimeUnixNano")
                trace, span = fields.get("traceId"), fields.get("spanId")
                yield fields, otlp_json.identity(trace, 32), otlp_json.identity(span, 16), time


def _span_events(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str, Any]]:
    """Events of spans, and spans of no length that stand for one: those hang on the span above."""
    for resource in _objects(document.get("resourceSpans")):
        for scope in _objects(resource.get("scopeSpans")):
            for span in _objects(scope.get("spans")):
                trace = otlp_json.identity(span.get("traceId"), 32)
                if span.get("name") == EVENT:
                    above = otlp_json.identity(span.get("parentSpanId"), 16)
                    yield span, trace, above, span.get("startTimeUnixNano")
                    continue
                own = otlp_json.identity(span.get("spanId"), 16)
                for event in _objects(span.get("events")):
                    yield event, trace, own, event.get("timeUnixNano")


FORMATS = (
    Format(
        kind="otel-evaluations",
        shapes=("json",),
        tokens="none",
        key="(traceId, spanId, gen_ai.response.id, gen_ai.evaluation.name); the latest time wins",
        time="timeUnixNano, nanoseconds",
        tags="none: the request's own",
        line_limit=16 << 20,
        parse=parse,
    ),
)
