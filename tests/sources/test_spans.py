"""OTLP: which spans are calls, whose counts include what, and what a span hands down to those below it."""

import base64
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.record import Quarantined, RequestRecord, SpanContext
from tests.sources.reading import read_lines, reasons, requests

TRACE = "5b8efff798038103d269b633813fc60c"
START = "1795176001000000000"


def value(found: Any) -> dict[str, Any]:
    if isinstance(found, bool):
        return {"boolValue": found}
    if isinstance(found, int):
        return {"intValue": str(found)}
    if isinstance(found, float):
        return {"doubleValue": found}
    if isinstance(found, list):
        return {"arrayValue": {"values": [value(item) for item in found]}}
    return found if isinstance(found, dict) else {"stringValue": found}


def span(number: int, parent: int | None = None, **attributes: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "parentSpanId": "" if parent is None else f"{parent:016x}",
        "startTimeUnixNano": START,
        "endTimeUnixNano": "1795176002350000000",
        "attributes": [{"key": key, "value": value(found)} for key, found in attributes.items()],
        "status": {},
    }


def chat(number: int, parent: int | None = None, **more: Any) -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-5-mini",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
    }
    return span(number, parent, **{k: v for k, v in (attributes | more).items() if v is not None})


def document(*spans: dict[str, Any], **resource: Any) -> dict[str, Any]:
    attributes = [{"key": key, "value": value(found)} for key, found in resource.items()]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]}


def read_spans(folder: Path, *spans: dict[str, Any], **resource: Any) -> list[Any]:
    return [parsed for _, parsed in read_lines("otlp", folder, [document(*spans, **resource)])]


def kinds(found: list[Any]) -> dict[str, str]:
    return {
        parsed.span_id.lstrip("0"): "call" if isinstance(parsed, RequestRecord) else "context"
        for parsed in found
        if isinstance(parsed, RequestRecord | SpanContext)
    }


def test_only_leaf_model_calls_are_requests(tmp_path: Path) -> None:
    found = read_spans(
        tmp_path,
        span(1, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 500}),
        span(2, 1, **{"gen_ai.operation.name": "execute_tool"}),
        chat(3, 1),
        span(4, 1, **{"openinference.span.kind": "CHAIN", "llm.token_count.prompt": 5, "llm.model_name": "m"}),
        span(5, 4, **{"openinference.span.kind": "LLM", "llm.token_count.prompt": 5, "llm.model_name": "m"}),
        span(6, **{"ai.operationId": "ai.generateText", "ai.model.id": "m", "ai.usage.promptTokens": 9}),
        span(
            7,
            6,
            **{
                "ai.operationId": "ai.generateText.doGenerate",
                "ai.model.id": "m",
                "ai.usage.promptTokens": 9,
            },
        ),
        span(8, **{"http.route": "/v1"}),
    )
    assert kinds(found) == {
        "1": "context",
        "2": "context",
        "3": "call",
        "4": "context",
        "5": "call",
        "6": "context",
        "7": "call",
        "8": "context",
    }


@pytest.mark.parametrize(
    ("above", "below", "calls"),
    [
        ({}, {}, {"3"}),  # a framework's span around the client's: one call
        ({"gen_ai.response.id": "a"}, {"gen_ai.response.id": "a"}, {"3"}),
        ({"gen_ai.response.id": "a"}, {"gen_ai.response.id": "b"}, {"1", "3"}),
        ({"gen_ai.operation.name": None}, {"gen_ai.response.id": "b"}, {"3"}),  # no operation: a wrapper
        (
            {},
            {"gen_ai.usage.input_tokens": None, "gen_ai.usage.output_tokens": None, "error.type": "429"},
            {"1", "3"},
        ),
    ],
)
def test_a_call_above_a_call_repeats_it_unless_their_ids_differ(
    tmp_path: Path, above: dict[str, Any], below: dict[str, Any], calls: set[str]
) -> None:
    spans = [chat(1, **above), span(2, 1, step="x"), chat(3, 2, **below)]
    for ordered in (spans, spans[::-1]):
        found = kinds(read_spans(tmp_path, *ordered))
        assert {name for name, kind in found.items() if kind == "call"} == calls


def test_a_span_without_an_operation_counts_by_its_model_and_usage(tmp_path: Path) -> None:
    alone = chat(1, **{"gen_ai.operation.name": None})
    assert kinds(read_spans(tmp_path, alone, span(2, 1))) == {"1": "call", "2": "context"}


def test_spans_in_a_circle_end(tmp_path: Path) -> None:
    assert set(kinds(read_spans(tmp_path, chat(1, 2), chat(2, 1)))) == {"1", "2"}


@pytest.mark.parametrize(
    ("attributes", "parts", "flags"),
    [
        ({"gen_ai.usage.cache_read.input_tokens": 60}, (40, 60, 0, 0), ()),
        (
            {"gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.cache_creation.input_tokens": 40},
            (0, 60, 40, 0),
            (),
        ),
        ({"gen_ai.usage.cache_read_input_tokens": 101}, (100, 101, 0, 0), ("exclusive_semantics",)),
        ({"anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 30}, (70, 0, 0, 30), ()),
        (
            {"gen_ai.usage.cache_read.input_tokens": 6, "gen_ai.usage.cache_read_input_tokens": 7},
            (94, 6, 0, 0),
            (),
        ),
        (
            {"gen_ai.usage.cache_read.input_tokens": {}, "gen_ai.usage.cache_read_input_tokens": 7},
            (93, 7, 0, 0),
            (),
        ),
    ],
)
def test_caches_are_inside_the_input_unless_they_exceed_it(
    tmp_path: Path, attributes: dict[str, Any], parts: tuple[int, ...], flags: tuple[str, ...]
) -> None:
    (record,) = read_spans(tmp_path, chat(1, **attributes))
    assert (record.input_uncached, record.cache_read, record.cache_write, record.cache_write_long) == parts
    assert record.flags == flags


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"gen_ai.usage.input_tokens": -1}, "input: expected a whole number from 0 to 10^12"),
        ({"gen_ai.usage.input_tokens": "many"}, "input: expected a whole number from 0 to 10^12"),
        (
            {"gen_ai.usage.input_tokens": {"doubleValue": "NaN"}},
            "input: expected a whole number from 0 to 10^12",
        ),
        ({"gen_ai.usage.reasoning.output_tokens": 11}, "reasoning tokens exceed the output tokens"),
        ({"gen_ai.usage.input_tokens": None, "gen_ai.usage.output_tokens": None}, "no usage"),
        ({"gen_ai.response.model": None}, "no model"),
        ({"llm.cost.total": -0.5}, "cost: expected an amount of at least 0"),
    ],
)
def test_counts_that_cannot_be_are_quarantined_span_by_span(
    tmp_path: Path, attributes: dict[str, Any], reason: str
) -> None:
    bad, good = read_spans(tmp_path, chat(1, **attributes), chat(2))
    assert isinstance(bad, Quarantined)
    assert bad.reason == reason
    assert isinstance(good, RequestRecord)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("1795176001", "startTimeUnixNano: before 2015, so not counted in the unit that this format uses"),
        ("1795176001000", "startTimeUnixNano: before 2015, so not counted in the unit that this format uses"),
        (
            "1795176001000000",
            "startTimeUnixNano: before 2015, so not counted in the unit that this format uses",
        ),
        ("1795435201000000000", "startTimeUnixNano: more than 24 h in the future"),
        ("99999999999999999999", "startTimeUnixNano: more than 24 h in the future"),
        ("soon", "startTimeUnixNano: expected a time counted from 1970"),
        (None, "startTimeUnixNano: expected a time counted from 1970"),
    ],
)
def test_nanoseconds_are_never_guessed_to_be_something_else(tmp_path: Path, start: Any, reason: str) -> None:
    (verdict,) = read_spans(tmp_path, chat(1) | {"startTimeUnixNano": start})
    assert verdict.reason == reason


def test_ids_are_read_as_hex_of_any_case_or_base64(tmp_path: Path) -> None:
    encoded = base64.b64encode(bytes.fromhex(TRACE)).decode()
    records = read_spans(
        tmp_path,
        chat(0xAB),
        chat(0xAB) | {"traceId": TRACE.upper(), "spanId": "00000000000000AB"},
        chat(0xAB) | {"traceId": encoded, "spanId": base64.b64encode(bytes.fromhex("00000000000000ab")).decode()},
    )
    assert {record.record_key for record in records} == {f"{TRACE}|00000000000000ab"}
    (bad,) = read_spans(tmp_path, chat(1) | {"spanId": "xyz"})
    assert bad.reason == "traceId, spanId: expected 16 and 8 bytes as hex or base64"


def test_tags_come_from_attributes_maps_lists_and_the_resource(tmp_path: Path) -> None:
    (record,) = read_spans(
        tmp_path,
        chat(
            1,
            **{
                "workflow": "w",
                "finops.document_id": "d",
                "traceloop.association.properties.tenant": "acme",
                "metadata": '{"decision_id": "x", "n": 1}',
                "tag.tags": ["team:legal:eu", "prod"],
                "user.id": "somebody",
                "gen_ai.prompt.0.content": "canary",
                "gen_ai.request.temperature": 0.5,
            },
        ),
        **{"service.name": "worker", "process.command_line": "run --token canary"},
    )
    assert record.tags == {
        "workflow": "w",
        "finops.document_id": "d",
        "document_id": "d",
        "traceloop.association.properties.tenant": "acme",
        "tenant": "acme",
        "decision_id": "x",
        "n": "1",
        "team": "legal:eu",
        "tags": "prod",
    }
    assert record.resource_tags == {"service.name": "worker"}


def test_user_ids_are_kept_only_where_the_workspace_maps_them(tmp_path: Path) -> None:
    line = document(chat(1, **{"user.id": "u-7"}))
    assert requests(read_lines("otlp", tmp_path, [line], mapped={"user.id"}))[0].tags == {"user.id": "u-7"}
    assert requests(read_lines("otlp", tmp_path, [line]))[0].tags == {}


def test_metrics_and_logs_are_no_records(tmp_path: Path) -> None:
    lines = [{"resourceMetrics": []}, {"resourceLogs": []}, {"resourceSpans": []}, {}]
    results = read_lines("otlp", tmp_path, lines)
    assert [(line, type(parsed).__name__) for line, parsed in results] == [(4, "Quarantined")]
    assert reasons(results) == [(4, "expected resourceSpans")]


def test_a_malformed_span_costs_only_itself(tmp_path: Path) -> None:
    bad = [
        chat(1) | {"attributes": "none"},
        chat(2) | {"attributes": [7]},
        chat(3) | {"status": 2},
    ]
    found = read_spans(tmp_path, *bad, chat(4))
    assert [type(parsed).__name__ for parsed in found] == ["Quarantined"] * 3 + ["RequestRecord"]
