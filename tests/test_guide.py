"""The README's guide to tags: each snippet is run, and what its stack then logs is attributed with the default `tags:`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from google.protobuf.json_format import MessageToDict
from openai.types.responses import Response
from opentelemetry import context as otel_context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, ConfigDict

from tests.sources.reading import EXAMPLES
from tests.workspaces import Bench

TAGS = {"workflow": "contract_review", "task_type": "clause_extraction", "document_id": "d-17"}
NOW = "2026-11-20T12:00:00Z"
SNIPPETS = {
    block.split("\n")[0].lstrip("# ").split(",")[0].split(":")[0]: block
    for block in re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    if block.startswith("#")
}


class Body(BaseModel):
    """An SDK's answer: whatever fields the provider's body has."""

    model_config = ConfigDict(extra="allow")


class Asked:
    """A client that keeps what it was asked and answers with `answer`."""

    def __init__(self, answer: Any = None) -> None:
        self.answer, self.words = answer, {}

    def __call__(self, **words: Any) -> Any:
        self.words = words
        return self.answer(words) if callable(self.answer) else self.answer


def example(name: str, number: int = 0) -> dict[str, Any]:
    return json.loads((EXAMPLES / name).read_text().splitlines()[number])


def ran(name: str, **given: Any) -> dict[str, Any]:
    """The names of a snippet after it ran."""
    names = {"tags": TAGS, "now": NOW, "model": "m", "messages": [], "text": "…", **given}
    exec(SNIPPETS[name], names)
    return names


def traced() -> dict[str, Any]:
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    before = otel_context.attach(otel_context.Context())
    try:
        ran("OpenTelemetry", tracer_provider=provider)
        with provider.get_tracer("app").start_as_current_span("review"):
            call = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.4",
                    "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}  # fmt: skip
            provider.get_tracer("sdk").start_span("chat", attributes=call, start_time=1_795_000_000_000_000_000).end()
    finally:
        otel_context.detach(before)
    return MessageToDict(encode_spans(kept.get_finished_spans()))


def through_litellm() -> tuple[dict[str, Any], dict[str, Any]]:
    """The payload that callbacks get and the row of LiteLLM_SpendLogs, with what the request's body carried."""
    asked = Asked()
    ran("LiteLLM proxy", client=SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=asked))))
    sent = asked.words["extra_body"]["metadata"]
    payload = example("04-litellm-standard-logging-payload.jsonl")
    others = {k: v for k, v in payload["metadata"].items() if k != "requester_metadata"}
    metadata = {**others, "spend_logs_metadata": sent["spend_logs_metadata"]}
    row = {
        "request_id": "chatcmpl-row", "call_type": "acompletion", "spend": payload["response_cost"],
        "prompt_tokens": payload["prompt_tokens"], "completion_tokens": payload["completion_tokens"],
        "total_tokens": payload["total_tokens"], "startTime": "2026-11-20 12:00:00", "model": payload["model"],
        "custom_llm_provider": payload["custom_llm_provider"], "metadata": json.dumps(metadata), "request_tags": "[]",
    }  # fmt: skip
    return {**payload, "request_tags": [], "metadata": metadata}, row


def from_openai() -> dict[str, Any]:
    bodies = (EXAMPLES / "01-openai-responses-with-usage.jsonl").read_text().splitlines()
    body = next(body for body in map(json.loads, bodies) if body["object"] == "response")
    asked = Asked(lambda words: Response.model_construct(**{**body, "metadata": words["metadata"]}))
    return ran("OpenAI Responses", client=SimpleNamespace(responses=SimpleNamespace(create=asked)))["line"]


def from_anthropic() -> dict[str, Any]:
    asked = Asked(Body(**example("02-anthropic-messages-with-usage.jsonl")))
    return ran("Anthropic", client=SimpleNamespace(messages=SimpleNamespace(create=asked)))["line"]


def from_bedrock() -> dict[str, Any]:
    asked = Asked()
    ran("Bedrock Converse", client=SimpleNamespace(converse=asked))
    model = boto3.client("bedrock-runtime", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    known = model.meta.service_model.operation_model("Converse").input_shape.members
    assert set(asked.words) <= set(known)
    return {**example("05-bedrock-model-invocation-log.jsonl"), "requestMetadata": asked.words["requestMetadata"]}


def test_the_guide_has_a_snippet_for_each_stack():
    assert list(SNIPPETS) == ["OpenTelemetry", "LiteLLM proxy", "OpenAI Responses", "Anthropic", "Bedrock Converse"]


def test_what_each_snippets_stack_logs_is_attributed_with_the_default_tags(tmp_path):
    payload, row = through_litellm()
    records = {
        "otlp": traced(), "litellm": payload, "litellm-spendlogs": row, "openai": from_openai(),
        "anthropic": from_anthropic(), "bedrock": from_bedrock(),
    }  # fmt: skip
    sources = [{"name": kind, "kind": kind, "path": f"logs/{kind}/*.jsonl"} for kind in records]
    bench = Bench(tmp_path, {"sources": sources, "workflows": {"contract_review": {"unit": "document"}}, "tiers": []})
    for kind, record in records.items():
        bench.lines(f"logs/{kind}/2026-11-20.jsonl", [record])
    document = bench.run()
    assert document["records"]["quarantined"] == 0
    found = {(r["source"], r["workflow"], r["task_type"], r["unit_id"]) for r in bench.export("requests")}
    assert found == {(kind, "contract_review", "clause_extraction", "d-17") for kind in records}
    assert document["unattributed_usd"] == "0.000000000000"


def test_a_batch_is_attributed_by_its_custom_id(tmp_path):
    batches = [{"name": "batches", "kind": "openai-batch", "path": "logs/*.jsonl"}]
    bench = Bench(tmp_path, {
        "sources": batches, "tags": {"unit_id": ["custom_id"]}, "workflows": {"contract_review": {"unit": "document"}},
        "assign": [{"match": {"custom_id": "contract-*"}, "workflow": "contract_review"}], "tiers": [],
    })  # fmt: skip
    record = {**example("01-openai-batch-output.jsonl"), "custom_id": "contract-d-17"}
    bench.lines("logs/2026-11-20.jsonl", [record])
    bench.run()
    assert [(r["workflow"], r["unit_id"]) for r in bench.export("requests")] == [("contract_review", "contract-d-17")]
