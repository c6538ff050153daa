"""Every example record of every request-level format gives exactly the parts that it must."""

import csv
import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from pipelines.sources.context import FileRef
from pipelines.sources.ids import provider_id
from pipelines.sources.record import RequestRecord, SpanContext
from pipelines.sources.registry import read
from tests.sources.reading import DAY, EXAMPLES, deduped, file_ref, read_file, reasons, requests

KINDS = {
    "01-openai-responses-with-usage.jsonl": ["openai"],
    "01-openai-batch-output.jsonl": ["openai-batch"],
    "02-anthropic-messages-with-usage.jsonl": ["anthropic"],
    "02-anthropic-batch-results.jsonl": ["anthropic-batch"],
    "03-otel-genai-current.jsonl": ["otlp"],
    "03-otel-genai-legacy.jsonl": ["otlp"],
    "04-litellm-standard-logging-payload.jsonl (and spendlogs.csv)": ["litellm", "litellm-spendlogs"],
    "05-bedrock-model-invocation-log.jsonl": ["bedrock"],
    "06-azure-apim-gateway-llm-log.jsonl": ["azure-apim"],
    "06-vertex-request-response-log.jsonl": ["vertex"],
    "07-langfuse-observations-v2.jsonl": ["langfuse"],
    "07-helicone-requests.jsonl": ["helicone"],
    "07-openrouter-generation.jsonl": ["openrouter"],
}
FILES = {
    "litellm": "04-litellm-standard-logging-payload.jsonl",
    "litellm-spendlogs": "04-litellm-spendlogs.csv",
}
with (EXAMPLES / "expected-normalized.csv").open(newline="") as lines:
    EXPECTED = list(csv.DictReader(lines))
#: Calls that the table lists; `ignored` rows are spans that are no calls.
ROWS = [(kind, row) for row in EXPECTED for kind in KINDS.get(row["file"], ()) if row["level"].startswith("request")]


def calls(kind: str, file: str) -> dict[str, RequestRecord]:
    path = EXAMPLES / FILES.get(kind, file)
    return deduped(requests(read_file(kind, path, default_time=DAY)))


def find(kind: str, row: dict[str, str]) -> RequestRecord:
    found = calls(kind, row["file"])
    key = row["key"]
    if kind == "otlp" and key not in found:
        provider, _, response = key.partition("|")
        return next(r for r in found.values() if (r.provider, r.response_id) == (provider_id(provider), response))
    return found[key]


def number(text: str) -> int:
    return 0 if text in ("", "unknown") else int(text)


def tags(text: str) -> dict[str, str]:
    if not text:
        return {}
    if text.startswith("{"):
        return json.loads(text)
    if "=" not in text:
        return {"custom_id": text}
    return dict(part.split("=", 1) for part in text.split(";"))


def tag(record: RequestRecord, name: str) -> str | None:
    """As a workspace's default `tags:` look it up."""
    carriers = ("workflow", "traceloop.workflow.name") if name == "workflow" else (name,)
    return next((record.tags[carrier] for carrier in carriers if carrier in record.tags), None)


def when(row: dict[str, str]) -> datetime:
    if not row["when_utc"]:
        return DAY
    return datetime.fromisoformat(row["when_utc"].replace(" ", "T").removesuffix("Z") + "+00:00")


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[f"{kind}-{row['file'][:2]}-{row['record']}" for kind, row in ROWS])
def test_an_example_record_gives_the_expected_parts(kind: str, row: dict[str, str]) -> None:
    record = find(kind, row)
    assert {
        "input_uncached": record.input_uncached,
        "cache_read": record.cache_read,
        "cache_write": record.cache_write,
        "cache_write_long": record.cache_write_long,
        "output_total": record.output_nonreasoning + record.output_reasoning,
        "reasoning": record.output_reasoning if row["of_which_reasoning"] else 0,
        "model": record.model,
        "tier": record.service_tier,
        "tags": {name: tag(record, name) for name in tags(row["tags"])},
        "cost": record.recorded_usd,
        "extras": dict(record.extras),
    } == {
        "input_uncached": number(row["input_uncached"]),
        "cache_read": number(row["cache_read"]),
        "cache_write": number(row["cache_write_short"]),
        "cache_write_long": number(row["cache_write_long"]),
        "output_total": number(row["output_total"]),
        "reasoning": number(row["of_which_reasoning"]),
        "model": row["model"],
        "tier": "batch" if "batch" in row["level"] else "standard",
        "tags": tags(row["tags"]),
        "cost": round(Decimal(row["cost_usd_in_source"]), 12) if row["cost_usd_in_source"] else None,
        # The table has no column for searches; this is the one example that has one.
        "extras": {"web_search": 1} if (kind, row["record"]) == ("anthropic", "1") else {},
    }
    assert timedelta(0) <= record.time - when(row) < timedelta(milliseconds=1)  # the table cuts at milliseconds
    failed = any(word in row["note"] for word in ("fail", "error", "expired", "Throttling"))
    assert record.status == ("error" if failed else "ok")


@pytest.mark.parametrize(("file", "kinds"), KINDS.items())
def test_a_file_gives_no_other_calls_than_the_expected(file: str, kinds: list[str]) -> None:
    expected = {row["key"] for row in EXPECTED if row["file"] == file and row["level"].startswith("request")}
    if file == "07-helicone-requests.jsonl":
        expected.add("7a1f0c6e-0000-4000-8000-000000000002")  # the table leaves the failed request out
    for kind in kinds:
        assert len(calls(kind, file)) == len(expected)
        assert reasons(read_file(kind, EXAMPLES / FILES.get(kind, file), default_time=DAY)) == []


def test_a_failed_helicone_request_is_an_error_without_tokens() -> None:
    record = calls("helicone", "07-helicone-requests.jsonl")["7a1f0c6e-0000-4000-8000-000000000002"]
    spent = (record.status, record.input_uncached, record.output_nonreasoning, record.recorded_usd)
    assert spent == ("error", 0, 0, None)


def test_one_call_traced_twice_keeps_the_span_that_tells_cache_lifetimes_apart() -> None:
    spans = requests(read_file("otlp", EXAMPLES / "03-otel-genai-current.jsonl"))
    both = [span for span in spans if span.response_id == "msg_01XFDUDYJgAACzvnptvVoYEL"]
    assert [(r.known_classes, r.cache_write, r.cache_write_long) for r in both] == [
        (7, 502, 7000),
        (4, 7502, 0),
    ]
    assert len({r.record_key for r in both}) == 2


def test_an_agent_span_that_repeats_the_sum_of_its_calls_is_context_only() -> None:
    fourth = [r.parsed for r in read_file("otlp", EXAMPLES / "03-otel-genai-current.jsonl") if r.line == 4]
    assert len(fourth) == 1
    assert isinstance(fourth[0], SpanContext)
    assert fourth[0].span_id == "eee19b7ec3c1b170"
    assert fourth[0].tags["document_id"] == "doc-000123"


def test_a_gzipped_file_reads_like_the_plain_one() -> None:
    plain = read_file("bedrock", EXAMPLES / "05-bedrock-model-invocation-log.jsonl")
    assert read_file("bedrock", EXAMPLES / "05-bedrock-model-invocation-log.json.gz") == plain


@pytest.mark.parametrize("kind", ["litellm", "litellm-spendlogs", "otlp", "langfuse", "helicone"])
def test_costs_of_gateways_are_marked_as_estimates(kind: str) -> None:
    file = next(file for file, kinds in KINDS.items() if kind in kinds)
    assert all(record.recorded_is_estimate for record in calls(kind, file).values())


def test_the_same_call_of_s3_log_and_spend_table_has_one_key_and_one_response_id() -> None:
    payloads, rows = calls("litellm", ""), calls("litellm-spendlogs", "")
    assert {key: r.response_id for key, r in payloads.items()} == {key: r.response_id for key, r in rows.items()}


def test_litellm_names_key_team_and_group_as_tags() -> None:
    record = calls("litellm", "")["f41fa571-fb4b-4583-83bc-c8f671965bbf"]
    assert record.tags == {
        "workflow": "contract_review",
        "document_id": "doc-000123",
        "tenant": "acme",
        "model_group": "gpt-5.4-mini",
        "team": "Contracts",
        "team_id": "team-contracts",
        "key_alias": "contracts-prod",
    }


def test_records_without_a_time_and_without_a_dated_path_are_quarantined() -> None:
    path = EXAMPLES / "02-anthropic-messages-with-usage.jsonl"
    results = list(read("anthropic", FileRef(path, path.name, None, DAY)))
    assert reasons(results) == [(1, "no time"), (2, "no time")]
    dated = list(read("anthropic", file_ref(path, "logs/2026-11-20/messages.jsonl")))
    assert [r.parsed.time for r in dated if isinstance(r.parsed, RequestRecord)] == [DAY, DAY]
