"""Files that are one JSON document, not lines, and bodies inside wrappers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.reading import DAY, EXAMPLES, one, read_bytes, reasons, requests

BODIES = [json.loads(line) for line in (EXAMPLES / "01-openai-responses-with-usage.jsonl").read_text().splitlines()]


def texts(values: list[Any]) -> list[str]:
    return [
        "\n".join(json.dumps(value) for value in values),
        json.dumps(values),
        json.dumps(values, indent=2),
        "".join(json.dumps(value) for value in values),
        "\n\n".join(json.dumps(value, indent=2) for value in values),
        "[" + ",\n".join(json.dumps(value) for value in values) + "]\n",
    ]


@pytest.mark.parametrize("form", range(6))
def test_lines_arrays_and_documents_hold_the_same_records(tmp_path: Path, form: int) -> None:
    found = read_bytes("openai", tmp_path, texts(BODIES)[form].encode(), "bodies.json")
    assert [record.request_id for record in requests(found)] == [body["id"] for body in BODIES]
    assert reasons(found) == []


def test_records_of_an_array_know_the_line_they_start_on(tmp_path: Path) -> None:
    content = "[\n" + json.dumps(BODIES[0], indent=1) + ",\n\n" + json.dumps(BODIES[1]) + "\n]"
    second = content[: content.index('{"id": "resp_')].count("\n") + 1
    assert [line for line, _ in read_bytes("openai", tmp_path, content.encode())] == [2, second]


def test_a_document_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    content = json.dumps(BODIES, indent=1)[:-40]
    found = read_bytes("openai", tmp_path, content.encode())
    assert len(requests(found)) == 1
    assert [reason for _, reason in reasons(found)] == ["invalid JSON: the rest of the file can't be read"]


def test_json_lines_with_a_broken_first_line_are_still_lines(tmp_path: Path) -> None:
    content = '{"id": "cut\n' + json.dumps(BODIES[0]) + "\n" + json.dumps(BODIES[1]) + "\n"
    found = read_bytes("openai", tmp_path, content.encode())
    assert reasons(found) == [(1, "invalid JSON")]
    assert [line for line, _ in found] == [1, 2, 3]


def test_a_record_of_an_array_with_invalid_utf8_costs_only_itself(tmp_path: Path) -> None:
    bad = json.dumps(BODIES[0]).encode().replace(b'"ok"', b'"\xe9"')
    found = read_bytes("openai", tmp_path, b"[" + bad + b",\n" + json.dumps(BODIES[1]).encode() + b"]")
    assert reasons(found) == [(1, "invalid UTF-8")]
    assert len(requests(found)) == 1


def test_a_wrapper_adds_time_and_tags_in_both_forms(tmp_path: Path) -> None:
    beside = {"time": "2026-11-20T08:00:00Z", "workflow": "w", "unit_id": "u", "metadata": {"team": "x"}}
    wrapped = one("openai", tmp_path, {"response": BODIES[0]} | beside)
    assert wrapped.tags == {"workflow": "w", "unit_id": "u", "team": "x"}
    assert wrapped.time.isoformat() == "2026-11-20T08:00:00+00:00"
    message = json.loads((EXAMPLES / "02-anthropic-messages-with-usage.jsonl").read_text().splitlines()[0])
    in_line = one("anthropic", tmp_path, message | {"time": "2026-11-20T08:00:00+01:00", "workflow": "w"})
    assert in_line.tags == {"workflow": "w"}
    assert in_line.time.isoformat() == "2026-11-20T07:00:00+00:00"
    batch = json.loads((EXAMPLES / "02-anthropic-batch-results.jsonl").read_text().splitlines()[1])
    failed = one("anthropic-batch", tmp_path, batch | {"timestamp": "2026-11-20T08:00:00Z", "unit_id": "u"})
    assert (failed.status, failed.tags) == (
        "error",
        {"custom_id": "invoice_extraction|inv-77811", "unit_id": "u"},
    )


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("openai", BODIES[0] | {"id": None}, "id: expected a text that is not empty"),
        ("openai", BODIES[0] | {"usage": None}, "no usage"),
        ("openai", BODIES[0] | {"created": None}, "no time"),
        ("openai", BODIES[0] | {"created": "yesterday"}, "created: expected a time counted from 1970"),
        ("openai", BODIES[0] | {"created": 1795176001000}, "created: more than 24 h in the future"),
        (
            "openai",
            BODIES[0] | {"object": "model"},
            "object: expected chat.completion, text_completion or response",
        ),
        (
            "openai",
            {"error": {"message": "canary"}},
            "object: expected chat.completion, text_completion or response",
        ),
        ("openai", [1], "line: expected an object"),
        ("anthropic", {"type": "message", "id": "msg_1", "model": "m"}, "no usage"),
        ("anthropic", {"type": "error"}, "type: expected a message"),
    ],
)
def test_bodies_without_id_time_or_usage_are_quarantined(tmp_path: Path, kind: str, body: Any, reason: str) -> None:
    assert (
        one(kind, tmp_path, json.dumps(body) if isinstance(body, dict) else "[" + json.dumps(body) + "]").reason
        == reason
    )


def test_the_first_real_date_of_a_path_is_the_time_of_last_resort(tmp_path: Path) -> None:
    body = {"type": "message", "id": "msg_1", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}
    for name, expected in (
        ("logs/2026-11-20/part-2026-11-19.jsonl", DAY),
        ("logs/2026-13-40/2026-11-20.jsonl", DAY),
        ("logs/12026-11-20.jsonl", None),
        ("logs/20261120.jsonl", None),
    ):
        (result,) = read_bytes("anthropic", tmp_path, json.dumps(body).encode(), name)
        assert getattr(result.parsed, "time", None) == expected
