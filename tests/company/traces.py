"""OpenTelemetry GenAI spans as OTLP/JSON lines: one export per line, a root span per attempt, model calls
below it.

Until the worker's version 2.4 only the root span carried the unit's tags; since then baggage puts them on
every span.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from tests.company.plain_logs import line
from tests.company.records import Call, digest
from tests.company.story import SERVED_NAME

#: Day number on which the worker learned to put the unit's tags on every span.
BAGGAGE_AFTER = 14


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {str: "stringValue", int: "intValue", bool: "boolValue"}
    return [
        {"key": key, "value": {kinds[type(value)]: str(value) if type(value) is int else value}}
        for key, value in values.items()
        if value is not None
    ]


def _nanos(time: datetime, plus_ms: float = 0) -> str:
    moved = time + timedelta(milliseconds=plus_ms)
    return str(int(moved.timestamp()) * 10**9 + moved.microsecond * 1000)


def _span(
    key: str,
    trace: str,
    parent: str | None,
    name: str,
    kind: int,
    call: Call,
    ms: float,
    attributes: dict[str, Any],
) -> dict[str, Any]:
    span: dict[str, Any] = {"traceId": trace, "spanId": digest(key, "span", size=8)}
    if parent:
        span["parentSpanId"] = parent
    return span | {
        "name": name,
        "kind": kind,
        "startTimeUnixNano": _nanos(call.time),
        "endTimeUnixNano": _nanos(call.time, ms),
        "attributes": _attributes(attributes),
        "status": {},
    }


def _tags(call: Call, baggage: bool) -> dict[str, Any]:
    if not baggage:
        return {"task_type": call.task}
    return {
        "workflow": call.workflow,
        "document_id": call.unit,
        "attempt_id": call.attempt,
        "task_type": call.task,
        "stratum": call.stratum,
    }


def _model_span(call: Call, trace: str, parent: str, baggage: bool) -> tuple[str, dict[str, Any]]:
    """(scope, span) of one model call, as the provider's own instrumentation writes it."""
    served = SERVED_NAME.get(call.model, call.model)
    values: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.route or call.model,
    }
    if call.status == "error":
        values |= {"error.type": "RateLimitError", "http.response.status_code": 429}
    else:
        values |= {
            "gen_ai.response.model": served,
            "gen_ai.response.id": call.response_id,
            "gen_ai.usage.input_tokens": call.total_input,
            "gen_ai.usage.output_tokens": call.output,
            "gen_ai.usage.reasoning.output_tokens": call.reasoning,
        }
        if call.read or call.provider == "anthropic":
            values["gen_ai.usage.cache_read.input_tokens"] = call.read
        if call.provider == "anthropic":
            values |= {
                "gen_ai.usage.cache_write.input_tokens": call.write + call.write_long,
                "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": call.write,
                "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": call.write_long,
                "anthropic.response.service_tier": "standard",
            }
        else:
            values["openai.response.service_tier"] = "default"
    span = _span(call.key, trace, parent, f"chat {call.model}", 3, call, call.latency_ms, values | _tags(call, baggage))
    if call.status == "error":
        span["status"] = {"code": 2}
    scope = "com.anthropic.sdk.python" if call.provider == "anthropic" else "opentelemetry.instrumentation.openai"
    return scope, span


def _second_span(call: Call, trace: str, parent: str, baggage: bool) -> tuple[str, dict[str, Any]]:
    """The same answer, traced once more by another instrumentation, with fewer and older attributes."""
    values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": call.model,
        "gen_ai.response.model": call.model,
        "gen_ai.response.id": call.response_id,
        "gen_ai.usage.input_tokens": call.total_input,
        "gen_ai.usage.output_tokens": call.output,
        "gen_ai.usage.cache_read.input_tokens": call.read,
        "gen_ai.usage.cache_creation.input_tokens": call.write + call.write_long,
    }
    span = _span(
        call.key + "|second",
        trace,
        parent,
        "anthropic.chat",
        3,
        call,
        call.latency_ms,
        values | _tags(call, baggage),
    )
    return "opentelemetry.instrumentation.anthropic", span


def _export(scopes: list[tuple[str, dict[str, Any]]], version: str) -> str:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for scope, span in scopes:
        grouped[scope].append(span)
    resource = {"service.name": "contract-review-worker", "service.version": version, "team": "legal-ops"}
    spans = [{"scope": {"name": scope}, "spans": found} for scope, found in grouped.items()]
    return line({"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": spans}]})


def trace_lines(calls: Iterable[Call], first: date) -> list[tuple[datetime, str]]:
    """(time written, line): an attempt's spans in one line, its root sometimes later in a line of its own."""
    attempts: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        attempts[call.attempt or call.key].append(call)
    lines: list[tuple[datetime, str]] = []
    for name, made in attempts.items():
        start, end = made[0], made[-1]
        baggage = (start.time.date() - first).days >= BAGGAGE_AFTER
        version = "2.4.1" if baggage else "2.3.7"
        trace = digest(name, "trace", size=16)
        took = (end.time - start.time).total_seconds() * 1000 + end.latency_ms + 25
        tags = {
            "gen_ai.operation.name": "invoke_workflow",
            "traceloop.workflow.name": start.workflow,
            "document_id": start.unit,
            "attempt_id": start.attempt,
        }
        root = _span(name + "|root", trace, None, "review contract", 1, start, took, tags)
        total = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.usage.input_tokens": sum(c.total_input for c in made),
            "gen_ai.usage.output_tokens": sum(c.output for c in made),
        }
        agent = _span(name + "|agent", trace, root["spanId"], "invoke_agent reviewer", 1, start, took - 5, total)
        spans = [_model_span(call, trace, agent["spanId"], baggage) for call in made]
        spans += [_second_span(c, trace, agent["spanId"], baggage) for c in made if "traced_twice" in c.marks]
        worker = "contract-review-worker"
        written = end.time + timedelta(milliseconds=end.latency_ms + 1500)
        if int(trace[:2], 16) % 5 == 0:
            lines += [
                (written, _export([*spans, (worker, agent)], version)),
                (written + timedelta(minutes=2), _export([(worker, root)], version)),
            ]
        else:
            lines.append((written, _export([*spans, (worker, agent), (worker, root)], version)))
    return lines
