"""What each provider's counts include: the first cause of wrong bills."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.record import Quarantined, RequestRecord
from pipelines.sources.usage import PARTS
from tests.sources.reading import EXAMPLES, one, read_lines, reasons, requests

NO_COUNT = "expected a whole number from 0 to 10^12"
TIME = {"time": "2026-11-20T12:00:00Z"}


def example(file: str, number: int = 0) -> Any:
    return json.loads((EXAMPLES / file).read_text().splitlines()[number])


def changed(record: Any, **changes: Any) -> Any:
    """A copy with some fields changed; `a__b` reaches into `a`."""
    record = copy.deepcopy(record)
    for path, value in changes.items():
        *outer, last = path.split("__")
        inner = record
        for name in outer:
            inner = inner[name]
        if value is ...:
            inner.pop(last, None)
        else:
            inner[last] = value
    return record


def parts(record: RequestRecord) -> tuple[int, ...]:
    """uncached, read, written, written for long, output, reasoning"""
    return tuple(getattr(record, name) for name in PARTS)


def chat(**usage: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-5", "usage": usage} | TIME


def message(**usage: Any) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "model": "claude-sonnet-5", "usage": usage} | TIME


@pytest.mark.parametrize(
    ("usage", "expected", "extras"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 10}, (100, 0, 0, 0, 10, 0), {}),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 10,
                "prompt_tokens_details": {
                    "cached_tokens": 50,
                    "cache_write_tokens": 30,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 10, "ttl_12h_tokens": 20},
                },
                "completion_tokens_details": {"reasoning_tokens": 4, "accepted_prediction_tokens": 3},
            },
            (20, 50, 10, 20, 6, 4),
            {},
        ),
        ({"input_tokens": 8, "output_tokens": 0, "input_tokens_details": None}, (8, 0, 0, 0, 0, 0), {}),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 60,
                "prompt_tokens_details": {"audio_tokens": 30, "text_tokens": 70},
                "completion_tokens_details": {"audio_tokens": 50, "text_tokens": 10},
            },
            (70, 0, 0, 0, 10, 0),
            {"input_audio": 30, "output_audio": 50},
        ),
    ],
)
def test_openai_counts_inclusively(
    tmp_path: Path, usage: dict[str, Any], expected: tuple[int, ...], extras: dict[str, int]
) -> None:
    record = one("openai", tmp_path, chat(**usage))
    assert (parts(record), record.extras) == (expected, extras)


@pytest.mark.parametrize(
    ("kind", "record", "reason"),
    [
        (
            "openai",
            chat(prompt_tokens=10, completion_tokens=1, prompt_tokens_details={"cached_tokens": 11}),
            "cache tokens exceed the input tokens",
        ),
        (
            "openai",
            chat(prompt_tokens=10, completion_tokens=1, completion_tokens_details={"reasoning_tokens": 2}),
            "reasoning tokens exceed the output tokens",
        ),
        (
            "openai",
            chat(prompt_tokens="10", completion_tokens=1),
            "usage input tokens: expected a whole number from 0 to 10^12",
        ),
        ("anthropic", message(output_tokens=1), f"input_tokens: {NO_COUNT}"),
        (
            "anthropic",
            message(input_tokens=1, output_tokens=1, output_tokens_details={"thinking_tokens": 2}),
            "thinking_tokens exceed output_tokens",
        ),
        (
            "anthropic",
            message(
                input_tokens=1,
                output_tokens=1,
                cache_creation_input_tokens=5,
                cache_creation={"ephemeral_1h_input_tokens": 6},
            ),
            "cache_creation exceeds cache_creation_input_tokens",
        ),
    ],
)
def test_counts_that_contradict_each_other_are_quarantined(
    tmp_path: Path, kind: str, record: dict[str, Any], reason: str
) -> None:
    assert reasons(read_lines(kind, tmp_path, [record])) == [(1, reason)]


@pytest.mark.parametrize(
    ("usage", "expected", "flags"),
    [
        ({"input_tokens": 18, "output_tokens": 9}, (18, 0, 0, 0, 9, 0), ()),
        (
            {"input_tokens": 18, "output_tokens": 9, "cache_read_input_tokens": 1000},
            (18, 1000, 0, 0, 9, 0),
            (),
        ),
        (
            {
                "input_tokens": 18,
                "output_tokens": 9,
                "cache_creation_input_tokens": 70,
                "cache_creation": None,
            },
            (18, 0, 70, 0, 9, 0),
            ("cache_lifetime_unknown",),
        ),
        (
            {
                "input_tokens": 18,
                "output_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 50},
                "output_tokens_details": {"thinking_tokens": 4},
            },
            (18, 0, 20, 50, 5, 4),
            (),
        ),
        (
            {
                "input_tokens": 18,
                "output_tokens": 9,
                "iterations": [
                    {"type": "message", "input_tokens": 18, "output_tokens": 9},
                    {
                        "type": "compaction",
                        "input_tokens": 100,
                        "output_tokens": 1,
                        "cache_read_input_tokens": 7,
                    },
                ],
            },
            (118, 7, 0, 0, 10, 0),
            ("compaction",),
        ),
    ],
)
def test_anthropic_counts_disjointly_and_compaction_on_top(
    tmp_path: Path, usage: dict[str, Any], expected: tuple[int, ...], flags: tuple[str, ...]
) -> None:
    record = one("anthropic", tmp_path, message(**usage))
    assert (parts(record), record.flags) == (expected, flags)


@pytest.mark.parametrize(
    ("changes", "tier", "region"),
    [
        ({}, "standard", None),
        ({"service_tier": "priority"}, "priority", None),
        ({"service_tier": "standard", "speed": "fast"}, "fast", None),
        ({"inference_geo": "us"}, "standard", "us"),
        ({"inference_geo": "global"}, "standard", None),
        ({"inference_geo": "not_available"}, "standard", None),
    ],
)
def test_what_changes_the_price_of_a_message_is_carried_on(
    tmp_path: Path, changes: dict[str, Any], tier: str, region: str | None
) -> None:
    record = one("anthropic", tmp_path, message(input_tokens=1, output_tokens=1, **changes))
    assert (record.service_tier, record.region) == (tier, region)


@pytest.mark.parametrize(
    ("named", "tier"), [("default", "standard"), ("auto", "standard"), ("flex", "flex"), (None, "standard")]
)
def test_openais_default_tier_is_the_standard_one(tmp_path: Path, named: str | None, tier: str) -> None:
    record = one("openai", tmp_path, chat(prompt_tokens=1, completion_tokens=1) | {"service_tier": named})
    assert record.service_tier == tier


def test_web_searches_of_a_response_are_counted(tmp_path: Path) -> None:
    body = example("01-openai-responses-with-usage.jsonl", 1)
    body["output"] += [{"type": "web_search_call"}, {"type": "web_search_call"}]
    assert one("openai", tmp_path, body).extras == {"web_search": 2}


VERTEX = example("06-vertex-request-response-log.jsonl")
LITELLM = example("04-litellm-standard-logging-payload.jsonl", 1)


@pytest.mark.parametrize(
    ("changes", "expected", "flags"),
    [
        ({}, (18, 1000, 502, 7000, 386, 0), ()),
        # Before mid-2025 Bedrock's writes were not in prompt_tokens.
        (
            {"metadata__usage_object__prompt_tokens": 1018, "metadata__usage_object__total_tokens": 8906},
            (18, 1000, 502, 7000, 386, 0),
            ("exclusive_semantics",),
        ),
        ({"metadata__usage_object__total_tokens": 9999}, (18, 1000, 502, 7000, 386, 0), ("token_mismatch",)),
        (
            {
                "metadata__usage_object__prompt_tokens_details": None,
                "metadata__usage_object__cache_read_input_tokens": 20,
            },
            (998, 20, 7502, 0, 386, 0),
            (),
        ),
    ],
)
def test_litellm_brings_every_provider_to_inclusive_counts(
    tmp_path: Path, changes: dict[str, Any], expected: tuple[int, ...], flags: tuple[str, ...]
) -> None:
    record = one("litellm", tmp_path, changed(LITELLM, **changes))
    assert (parts(record), record.flags) == (expected, flags)


def test_a_success_of_litellm_without_usage_is_quarantined(tmp_path: Path) -> None:
    line = changed(LITELLM, metadata__usage_object=None, prompt_tokens=None, completion_tokens=None)
    assert one("litellm", tmp_path, line).reason == "no usage"


@pytest.mark.parametrize(
    ("usage", "expected", "flags"),
    [
        (
            {
                "promptTokenCount": 4000,
                "cachedContentTokenCount": 3000,
                "candidatesTokenCount": 200,
                "thoughtsTokenCount": 800,
                "toolUsePromptTokenCount": 150,
                "totalTokenCount": 5150,
            },
            (1150, 3000, 0, 0, 200, 800),
            (),
        ),
        (
            {
                "promptTokenCount": 40,
                "candidatesTokenCount": 30,
                "thoughtsTokenCount": 20,
                "totalTokenCount": 70,
            },
            (40, 0, 0, 0, 10, 20),
            ("thoughts_inside",),
        ),
        ({"promptTokenCount": "40", "responseTokenCount": 30}, (40, 0, 0, 0, 30, 0), ()),
        ({"promptTokenCount": 40, "totalTokenCount": 41}, (40, 0, 0, 0, 0, 0), ("token_mismatch",)),
    ],
)
def test_gemini_keeps_thoughts_beside_candidates_unless_its_total_says_otherwise(
    tmp_path: Path, usage: dict[str, Any], expected: tuple[int, ...], flags: tuple[str, ...]
) -> None:
    line = changed(VERTEX, full_response__usageMetadata=usage)
    for written in (line, line | {"full_response": json.dumps(line["full_response"])}):
        record = one("vertex", tmp_path, written)
        assert (parts(record), record.flags) == (expected, flags)


def test_gemini_audio_is_no_text(tmp_path: Path) -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 30,
        "candidatesTokenCount": 10,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 40},
            {"modality": "AUDIO", "tokenCount": 60},
        ],
        "cacheTokensDetails": [
            {"modality": "AUDIO", "tokenCount": 20},
            {"modality": "TEXT", "tokenCount": 10},
        ],
    }
    record = one(
        "vertex",
        tmp_path,
        changed(example("06-vertex-request-response-log.jsonl"), full_response__usageMetadata=usage),
    )
    assert parts(record) == (30, 10, 0, 0, 10, 0)
    assert record.extras == {"cache_read_audio": 20, "input_audio": 40}


def test_a_streamed_vertex_answer_counts_its_last_chunk(tmp_path: Path) -> None:
    line = example("06-vertex-request-response-log.jsonl")
    chunks = [
        {"responseId": "r", "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": n}} for n in (1, 5, 7)
    ]
    assert parts(one("vertex", tmp_path, line | {"full_response": [*chunks, {"candidates": []}]})) == (
        9,
        0,
        0,
        0,
        7,
        0,
    )


def test_bedrock_counts_disjointly_but_openais_models_there_inclusively(tmp_path: Path) -> None:
    line = example("05-bedrock-model-invocation-log.jsonl", 1)
    counts = {"input__inputTokenCount": 4995, "input__cacheWriteInputTokenCount": 4993}
    usual = one("bedrock", tmp_path, changed(line, **counts))
    openai = one("bedrock", tmp_path, changed(line, modelId="openai.gpt-oss-120b-1:0", **counts))
    assert (parts(usual), usual.flags) == ((4995, 0, 4993, 0, 38, 0), ())
    assert (parts(openai), openai.flags) == ((2, 0, 4993, 0, 38, 0), ("inclusive_semantics",))


@pytest.mark.parametrize(
    ("model", "region"),
    [
        ("us.anthropic.claude-sonnet-5", "us"),
        ("global.anthropic.claude-sonnet-5", None),
        ("amazon.nova-lite-v1:0", "us-east-1"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-sonnet-5", "eu"),
        ("arn:aws:bedrock:eu-west-1:1:application-inference-profile/a1b2", "eu-west-1"),
    ],
)
def test_bedrocks_region_is_the_profiles_prefix_or_the_deployments(
    tmp_path: Path, model: str, region: str | None
) -> None:
    line = example("05-bedrock-model-invocation-log.jsonl", 1)
    assert one("bedrock", tmp_path, line | {"modelId": model}).region == region


def test_cloudwatch_wraps_the_same_records_in_texts(tmp_path: Path) -> None:
    lines = (EXAMPLES / "05-bedrock-model-invocation-log.jsonl").read_text().splitlines()
    plain = [parsed for _, parsed in read_lines("bedrock", tmp_path, lines)]
    events = {"logEvents": [{"id": "1", "message": line} for line in lines] + [{"message": "{"}]}
    wrapped = [parsed for _, parsed in read_lines("bedrock", tmp_path, [events])]
    assert wrapped[:-1] == plain
    assert isinstance(wrapped[-1], Quarantined)
    assert wrapped[-1].reason == "message: expected a log record as JSON"
    assert read_lines("bedrock", tmp_path, [{"schemaType": "AuditLog"}, {"message": '{"a": 1}'}]) == []


LANGFUSE = example("07-langfuse-observations-v2.jsonl")


@pytest.mark.parametrize(
    ("usage", "expected", "flags"),
    [
        (
            {
                "input": 200,
                "input_cached_tokens": 2000,
                "output": 116,
                "output_reasoning_tokens": 64,
                "total": 2380,
            },
            (200, 2000, 0, 0, 116, 64),
            (),
        ),
        (
            {
                "input": 8520,
                "cache_read_input_tokens": 1000,
                "input_cache_creation": 7502,
                "output": 9,
                "total": 8529,
            },
            (18, 1000, 7502, 0, 9, 0),
            ("inclusive_semantics",),
        ),
        (
            {"input": 100, "output": 80, "output_reasoning_tokens": 30, "total": 180},
            (100, 0, 0, 0, 50, 30),
            ("inclusive_semantics",),
        ),
        (
            {
                "input": 10,
                "input_cache_creation_5m": 3,
                "input_cache_creation_1h": 4,
                "output": 1,
                "total": 18,
            },
            (10, 0, 3, 4, 1, 0),
            (),
        ),
        ({"input": 10, "output": 1, "total": 99}, (10, 0, 0, 0, 1, 0), ("token_mismatch",)),
    ],
)
def test_langfuses_parts_are_disjoint_unless_their_total_says_otherwise(
    tmp_path: Path, usage: dict[str, Any], expected: tuple[int, ...], flags: tuple[str, ...]
) -> None:
    record = one("langfuse", tmp_path, LANGFUSE | {"usage_details": usage})
    assert (parts(record), record.flags) == (expected, flags)


def test_a_langfuse_trace_holds_its_observations_in_camel_case(tmp_path: Path) -> None:
    observation = {
        "id": "o1",
        "type": "GENERATION",
        "projectId": "p",
        "model": "gpt-4o",
        "startTime": "2026-11-20T12:00:00.000Z",
        "endTime": "2026-11-20T12:00:01.250Z",
        "usageDetails": {"input": 1, "output": 2, "total": 3},
        "totalCost": 0.000489,
        "metadata": json.dumps({"step": 1, "attributes": {"gen_ai.system": "az.ai.openai"}}),
    }
    trace = {"id": "t", "sessionId": "s", "tags": ["team:legal"], "metadata": {"workflow": "w"}}
    observations = [observation, observation | {"id": "o2", "type": "SPAN"}, observation | {"id": None}]
    results = read_lines("langfuse", tmp_path, [{"trace": trace, "observations": observations}])
    (good,) = requests(results)
    assert (good.request_id, good.provider, good.latency_ms) == ("p|o1", "azure", 1250)
    assert good.recorded_usd == Decimal("0.000489")
    assert good.tags == {"step": "1", "team": "legal", "workflow": "w", "session_id": "s"}
    assert reasons(results) == [(1, "id: expected a text that is not empty")]


HELICONE = example("07-helicone-requests.jsonl")


@pytest.mark.parametrize(
    ("changes", "expected", "flags"),
    [
        ({}, (200, 2000, 400, 0, 180, 0), ()),
        ({"total_tokens": 5180}, (2600, 2000, 400, 0, 180, 0), ("exclusive_semantics",)),
        ({"provider": "ANTHROPIC"}, (2600, 2000, 400, 0, 180, 0), ("exclusive_semantics",)),
        ({"prompt_tokens": 18, "total_tokens": None}, (18, 2000, 400, 0, 180, 0), ("exclusive_semantics",)),
        ({"total_tokens": 9}, (200, 2000, 400, 0, 180, 0), ("token_mismatch",)),
        ({"cache_reference_id": "7a1f0c6e-0000-4000-8000-000000000009"}, (0,) * 6, ("cache_hit",)),
    ],
)
def test_helicone_follows_the_provider(
    tmp_path: Path, changes: dict[str, Any], expected: tuple[int, ...], flags: tuple[str, ...]
) -> None:
    record = one("helicone", tmp_path, HELICONE | changes)
    assert (parts(record), record.flags) == (expected, flags)


def test_openrouter_adds_what_the_provider_bills_for_an_own_key(tmp_path: Path) -> None:
    line = example("07-openrouter-generation.jsonl")["data"]
    own = line | {"is_byok": True, "total_cost": 0.0001, "upstream_inference_cost": 0.00141}
    cached = line | {"response_cache_source_id": "gen-other", "total_cost": 0}
    found = requests(read_lines("openrouter", tmp_path, [{"data": [line, own, cached]}]))
    assert [record.recorded_usd for record in found] == [Decimal("0.00141"), Decimal("0.00151"), Decimal(0)]
    assert [parts(record)[0] for record in found] == [600, 600, 0]


def test_rows_of_one_gateway_call_share_a_key(tmp_path: Path) -> None:
    rows = (EXAMPLES / "06-azure-apim-gateway-llm-log.jsonl").read_text().splitlines()[:2]
    hub = {"records": [json.loads(row) for row in rows] + [{"category": "RequestResponse", "correlationId": "c"}]}
    found = requests(read_lines("azure-apim", tmp_path, [hub]))
    assert [(record.record_key, record.input_uncached) for record in found] == [
        ("99789635-18d0-480f-8182-a3a3c477a6a4", 2600),
        ("99789635-18d0-480f-8182-a3a3c477a6a4", 0),
    ]
