"""Recorded responses, whole or streamed: the tokens of the body that was sent, each call once."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.record import Quarantined, RequestRecord
from pipelines.sources.registry import read
from tests.public_data import folder
from tests.sources.reading import file_ref, one, read_lines, requests
from tests.workspaces import Bench

TIME = "2026-11-20T12:00:00Z"
START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": [],
        "usage": {
            "input_tokens": 10, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 30, "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 25, "ephemeral_1h_input_tokens": 15},
        },
    },
}  # fmt: skip


def chunk(**fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1795176000, "model": "gpt-5-mini",
        "choices": [], **fields,
    }  # fmt: skip


def stream(*events: Any, end: str = "\n") -> str:
    """Server-sent events, named as Anthropic and OpenAI name them."""
    blocks = []
    for event in events:
        name = f"event: {event['type']}{end}" if isinstance(event, dict) and "type" in event else ""
        blocks.append(f"{name}data: {event if isinstance(event, str) else json.dumps(event)}{end}{end}")
    return "".join(blocks)


def line(response: Any, **beside: Any) -> dict[str, Any]:
    return {"time": TIME, "response": response, **beside}


def parts(record: RequestRecord) -> dict[str, int]:
    names = (
        "input_uncached",
        "cache_read",
        "cache_write",
        "cache_write_long",
        "output_nonreasoning",
        "output_reasoning",
    )
    return {name: count for name in names if (count := getattr(record, name))}


def test_the_last_count_of_a_message_stream_is_the_count(tmp_path: Path) -> None:
    first, last = ({"type": "message_delta", "delta": {}, "usage": {"output_tokens": n}} for n in (50, 90))
    record = one("anthropic", tmp_path, line(stream(START, {"type": "ping"}, first, last, {"type": "message_stop"})))
    assert parts(record) == {
        "input_uncached": 10, "cache_read": 30, "cache_write": 25, "cache_write_long": 15, "output_nonreasoning": 90,
    }  # fmt: skip
    assert (record.response_id, record.model, record.flags) == ("msg_1", "claude-sonnet-5", ())


def test_input_that_grew_while_a_message_was_streamed_is_counted_as_it_ended(tmp_path: Path) -> None:
    grown = {
        "input_tokens": 700,
        "output_tokens": 90,
        "cache_read_input_tokens": None,
        "server_tool_use": {"web_search_requests": 2},
    }
    record = one("anthropic", tmp_path, line(stream(START, {"type": "message_delta", "usage": grown})))
    assert (record.input_uncached, record.cache_read, record.output_nonreasoning) == (700, 30, 90)
    assert record.extras == {"web_search": 2}


def test_a_stream_that_broke_off_keeps_what_had_been_counted(tmp_path: Path) -> None:
    record = one("anthropic", tmp_path, line(stream(START)))
    assert (record.input_uncached, record.output_nonreasoning, record.flags) == (10, 1, ("incomplete_stream",))
    cut = stream(START, {"type": "message_delta", "usage": {"output_tokens": 90}})[:-12]
    assert one("anthropic", tmp_path, line(cut)).flags == ("incomplete_stream",)


def test_the_usage_chunk_of_a_chat_stream_is_the_count(tmp_path: Path) -> None:
    usage = {
        "prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130, "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }  # fmt: skip
    text = stream(
        chunk(id="", model="", prompt_filter_results=[]),
        chunk(usage=None),
        chunk(usage=usage, service_tier="flex"),
        "[DONE]",
    )
    record = one("openai", tmp_path, line(text))
    assert parts(record) == {"input_uncached": 40, "cache_read": 60, "output_nonreasoning": 10, "output_reasoning": 20}
    assert (record.response_id, record.model, record.service_tier) == ("chatcmpl-1", "gpt-5-mini", "flex")


def test_usage_in_every_chunk_is_a_running_count_not_summed(tmp_path: Path) -> None:
    chunks = [chunk(usage={"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n}) for n in (1, 2, 3)]
    assert parts(one("openai", tmp_path, line(stream(*chunks, "[DONE]")))) == {
        "input_uncached": 9,
        "output_nonreasoning": 3,
    }


def test_a_chat_stream_without_a_usage_chunk_says_what_was_missing(tmp_path: Path) -> None:
    refused = one("openai", tmp_path, line(stream(chunk(), "[DONE]")))
    assert refused.reason == "no usage: a stream ends with it only where stream_options.include_usage is set"


def test_the_completed_response_of_a_stream_is_the_count(tmp_path: Path) -> None:
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1795176000,
        "model": "gpt-5.4",
        "status": "in_progress",
        "usage": None,
    }
    usage = {
        "input_tokens": 36,
        "output_tokens": 87,
        "total_tokens": 123,
        "output_tokens_details": {"reasoning_tokens": 64},
    }
    done = {**body, "status": "completed", "usage": usage, "output": [{"type": "web_search_call"}]}
    text = stream(
        {"type": "response.created", "response": body},
        {"type": "response.output_text.delta", "delta": "hello"},
        {"type": "response.completed", "response": done},
    )
    record = one("openai", tmp_path, line(text))
    assert parts(record) == {"input_uncached": 36, "output_nonreasoning": 23, "output_reasoning": 64}
    assert (record.extras, record.flags, record.status) == ({"web_search": 1}, (), "ok")


def test_the_last_chunk_of_a_generation_is_the_count(tmp_path: Path) -> None:
    chunks: list[dict[str, Any]] = [
        {"candidates": [{}], "modelVersion": "gemini-3.5-flash", "responseId": "r1",
         "usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 100 + out, "candidatesTokenCount": out}}
        for out in (5, 9)
    ]  # fmt: skip
    chunks[-1]["usageMetadata"] |= {"thoughtsTokenCount": 40, "cachedContentTokenCount": 30, "totalTokenCount": 149}
    chunks[-1]["candidates"] = [{"finishReason": "STOP"}]
    expected = {"input_uncached": 70, "cache_read": 30, "output_nonreasoning": 9, "output_reasoning": 40}
    for response in (stream(*chunks), chunks, chunks[-1], json.dumps(chunks), json.dumps(chunks[-1])):
        record = one("vertex", tmp_path, line(response, workflow="review"))
        assert (parts(record), record.provider, record.model, record.tags["workflow"]) == (
            expected, "google", "gemini-3.5-flash", "review",
        )  # fmt: skip
        assert (record.response_id, record.flags) == ("r1", ())


def test_a_bare_generation_is_read_with_what_stands_beside_it(tmp_path: Path) -> None:
    body = {"candidates": [], "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2}, "responseId": "r1"}
    record = one("vertex", tmp_path, {**body, "modelVersion": "gemini-3.5-flash", "time": TIME, "workflow": "review"})
    assert (record.input_uncached, record.output_nonreasoning, record.tags) == (7, 2, {"workflow": "review"})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_comments_of_a_stream_don_t_matter(end: str, tmp_path: Path) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    text = f": keep-alive{end}{end}" + stream(chunk(usage=usage), "[DONE]", end=end)
    assert parts(one("openai", tmp_path, line(text))) == {"input_uncached": 9, "output_nonreasoning": 3}


def test_a_body_kept_as_text_reads_like_the_body(tmp_path: Path) -> None:
    body = START["message"] | {"usage": {"input_tokens": 3, "output_tokens": 4}}
    assert one("anthropic", tmp_path, line(json.dumps(body))) == one("anthropic", tmp_path, line(body))


def test_the_same_call_streamed_or_not_is_one_record(tmp_path: Path) -> None:
    delta = {"type": "message_delta", "usage": {"output_tokens": 90}}
    whole = START["message"] | {"usage": START["message"]["usage"] | {"output_tokens": 90}}
    assert one("anthropic", tmp_path, line(stream(START, delta))) == one("anthropic", tmp_path, line(whole))


def test_one_file_of_several_providers_reads_alike_under_each_kind(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    lines = [
        line(stream(START, {"type": "message_delta", "usage": {"output_tokens": 90}})),
        line(stream(chunk(usage=usage), "[DONE]")),
        line(
            {
                "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1},
                "modelVersion": "gemini-3.5-flash",
                "responseId": "r",
            }
        ),
    ]
    found = [requests(read_lines(kind, tmp_path, lines)) for kind in ("openai", "anthropic", "vertex")]
    assert [record.provider for record in found[0]] == ["anthropic", "openai", "google"]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("beside", "provider"),
    [
        ({"provider": "azure_openai"}, "azure"),
        ({"host": "api.groq.com", "path": "/openai/v1/chat/completions"}, "groq"),
        ({"host": "acme.openai.azure.com"}, "azure"),
        ({"host": "https://api.mistral.ai/v1"}, "mistral"),
        ({"host": "worker-7"}, "openai"),
        ({}, "openai"),
    ],
)
def test_who_answered_is_told_by_what_stands_beside_the_body(beside: dict, provider: str, tmp_path: Path) -> None:
    text = stream(chunk(usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}))
    assert one("openai", tmp_path, line(text, **beside)).provider == provider


@pytest.mark.parametrize(
    "response", ["", "hello", "data: nonsense\n\n", 7, None, [], [1], "[1, 2]", "{", {"object": "list"}, {}]
)
def test_what_is_no_response_is_refused_without_its_words(response: Any, tmp_path: Path) -> None:
    for kind in ("openai", "anthropic", "vertex"):
        refused = one(kind, tmp_path, line(response, note="canary-1"))
        assert isinstance(refused, Quarantined)
        assert "canary" not in refused.reason + refused.excerpt


def test_what_was_said_in_a_stream_leaves_no_trace(tmp_path: Path) -> None:
    said = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "canary-7d1f"}}
    text = stream(START, said, {"type": "message_delta", "usage": {"output_tokens": 90}})
    record = one("anthropic", tmp_path, line(text, messages="canary-7d1f", headers="canary-7d1f"))
    assert isinstance(record, RequestRecord)
    assert "canary" not in repr(record)


# The recorded responses of many providers, counted here by hand from the text of each body.

NUMBER = r'"{}"\s*:\s*(\d+)'


def counted(response: Any) -> tuple[int, int] | None:
    """Input and output by the provider's own words: totals, the last ones in the text where it is a stream."""
    text = response if isinstance(response, str) else json.dumps(response)

    def last(name: str) -> int | None:
        found = re.findall(NUMBER.format(name), text)
        return int(found[-1]) if found else None

    if last("promptTokenCount") is not None:
        return last("promptTokenCount") or 0, (last("candidatesTokenCount") or 0) + (last("thoughtsTokenCount") or 0)
    if last("prompt_tokens") is not None:
        return last("prompt_tokens") or 0, last("completion_tokens") or 0
    if last("input_tokens") is None:
        return None
    beside = (
        0 if '"object"' in text else (last("cache_creation_input_tokens") or 0) + (last("cache_read_input_tokens") or 0)
    )
    return (last("input_tokens") or 0) + beside, last("output_tokens") or 0


#: What can't be a request: no id (errors, embeddings, Titan, Converse, Ollama), or a shape of a kind of its own.
OTHER = {"api.cohere.com", "127.0.0.1:11434"}


def recorded() -> list[dict[str, Any]]:
    path = folder("provider_responses") / "responses.jsonl"
    return [json.loads(row) for row in path.read_text("utf-8").splitlines()]


def has_id(row: dict[str, Any]) -> bool:
    body = row["response"]
    return isinstance(body, str) or bool(body.get("id") or body.get("responseId"))


def test_every_recorded_response_that_can_be_a_request_is_one(tmp_path: Path) -> None:
    rows = recorded()
    (tmp_path / "log.jsonl").write_text("".join(json.dumps({"time": TIME, **row}) + "\n" for row in rows))
    found = dict(read("openai", file_ref(tmp_path / "log.jsonl")))
    expected = {
        n: counted(row["response"]) for n, row in enumerate(rows, 1) if has_id(row) and row["host"] not in OTHER
    }
    assert len(expected) == 160
    made = {
        n: (
            r.input_uncached
            + r.cache_read
            + r.cache_write
            + r.cache_write_long
            + sum(v for k, v in r.extras.items() if k.startswith("input")),
            r.output_nonreasoning + r.output_reasoning + sum(v for k, v in r.extras.items() if k.startswith("output")),
        )
        for n, r in found.items()
        if isinstance(r, RequestRecord)
    }
    assert made == expected
    assert {*found} == {*range(1, len(rows) + 1)}


def test_recorded_responses_are_of_the_providers_that_were_asked(tmp_path: Path) -> None:
    hosts = {
        "api.openai.com": "openai", "api.anthropic.com": "anthropic", "api.groq.com": "groq", "api.mistral.ai": "mistral",
        "api.together.xyz": "together", "traceloop-stg.openai.azure.com": "azure", "localhost:8000": "openai",
        "bedrock-runtime.us-east-1.amazonaws.com": "aws", "generativelanguage.googleapis.com": "google",
    }  # fmt: skip
    rows = recorded()
    named = requests(read_lines("openai", tmp_path, [{"time": TIME, **row} for row in rows]))
    assert Counter(r.provider for r in named) == Counter(
        hosts[row["host"]] for row in rows if has_id(row) and row["host"] not in OTHER
    )
    bare = requests(read_lines("openai", tmp_path, [line(row["response"]) for row in rows]))
    told = Counter(r.provider for r in bare)
    assert (told["aws"], told["azure"], told["groq"], told["google"]) == (6, 10, 13, 1)


def test_recorded_responses_run_through_a_workspace(tmp_path: Path) -> None:
    rows = recorded()
    bench = Bench(
        tmp_path,
        {"sources": [{"name": "tape", "kind": "openai", "path": "logs/*.jsonl"}], "workflows": {}, "tiers": []},
    )
    bench.lines("logs/tape.jsonl", [{"time": TIME, "workflow": "tests", **row} for row in rows])
    document = bench.run()
    assert document["records"]["read"] == len(rows)
    assert document["requests"] == 160
    assert document["records"]["quarantined"] == len(rows) - 160
    said = {row["reason"] for row in bench.published.connect().sql("select reason from quarantine").pl().to_dicts()}
    assert all(len(reason) < 120 for reason in said)
