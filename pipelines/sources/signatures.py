"""What gives a record's kind away: the fields that each format has and the others don't.

Grain: one `Signature` a kind and shape of record, most telling first. `needs` are the names (top level) that must
be there; `also` looks deeper where names alone don't tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.sources import recorded_bodies
from pipelines.sources.values import ODD

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    kind: str
    needs: tuple[str, ...]
    why: str
    also: Callable[[Record], bool] = lambda _: True
    confidence: float = 1.0
    fold: bool = False  #: names in any case (Log Analytics, CSV exports)

    def fits(self, record: Record) -> bool:
        names = {name.lower() for name in record} if self.fold else record.keys()
        try:
            return all(name in names for name in self.needs) and bool(self.also(record))
        except ODD:
            return False


def signature_of(record: Any) -> list[tuple[str, float, str]]:
    """Kind, confidence (0 to 1) and the reason in words for every format that the record fits."""
    if not isinstance(record, dict):
        return []
    return [(s.kind, s.confidence, s.why) for s in SIGNATURES if s.fits(record)]


def _inside(*path: str) -> Callable[[Record], Any]:
    def find(record: Record) -> Any:
        value: Any = record
        for name in path:
            if type(value) is list:
                value = next((item for item in value if item), None)
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return find


_result_object = _inside("data", "results", "object")
_first_result = _inside("data", "results")


def _results(record: Record, *names: str) -> bool:
    found = _first_result(record)
    first = next((row for row in found if isinstance(row, dict)), {}) if type(found) is list else {}
    return all(name in first for name in names)


def _body(kind: str) -> Callable[[Record], bool]:
    def fits(record: Record) -> bool:
        if recorded_bodies.shape(record) == kind:
            return True
        body, _ = recorded_bodies.body_of(record.get("response"))
        return recorded_bodies.shape(body) == kind

    return fits


def _logs_bedrock(record: Record) -> bool:
    message = record.get("message")
    if message is None:
        events = record.get("logEvents")
        message = (
            next((e.get("message") for e in events if isinstance(e, dict)), None) if type(events) is list else None
        )
    return type(message) is str and "ModelInvocationLog" in message


def _data_has(*names: str) -> Callable[[Record], bool]:
    def fits(record: Record) -> bool:
        data = record.get("data")
        row = next((d for d in data if isinstance(d, dict)), None) if type(data) is list else data
        return isinstance(row, dict) and all(name in row for name in names)

    return fits


def _apim_records(record: Record) -> bool:
    rows = record["records"]
    first = next((row for row in rows if isinstance(row, dict)), {}) if type(rows) is list else {}
    return "correlationid" in {name.lower() for name in first} and "PromptTokens" in str(first)[:20_000]


def _batch_response(record: Record) -> bool:
    response = record["response"]
    return response is None or (isinstance(response, dict) and "body" in response)


def _batch_result(record: Record) -> bool:
    return isinstance(record["result"], dict) and "type" in record["result"]


SIGNATURES: tuple[Signature, ...] = (
    Signature("otlp", ("resourceSpans",), "resourceSpans"),
    Signature("bedrock", ("schemaType",), "schemaType ModelInvocationLog", lambda r: r["schemaType"] == "ModelInvocationLog"),
    Signature("bedrock", (), "a CloudWatch event with ModelInvocationLog", _logs_bedrock),
    Signature("litellm", ("response_cost", "model_map_information"), "response_cost and model_map_information"),
    Signature("litellm", ("response_cost", "litellm_call_id"), "response_cost and litellm_call_id", confidence=0.9),
    Signature("litellm-spendlogs", ("request_id", "spend", "startTime"), "columns request_id, spend, startTime"),
    Signature("openai-batch", ("custom_id", "response"), "custom_id and response.body", _batch_response),
    Signature("anthropic-batch", ("custom_id", "result"), "custom_id and result.type", _batch_result),
    Signature("openai", (), "a body with object chat.completion, text_completion or response", _body("openai")),
    Signature("anthropic", (), "a body with type message", _body("anthropic")),
    Signature("vertex", ("full_response",), "full_response"),
    Signature("vertex", (), "a body with usageMetadata", _body("vertex")),
    Signature("openai-usage", ("data",), "results of organization.usage", lambda r: str(_result_object(r)).startswith("organization.usage.")),
    Signature("openai-costs", ("data",), "results of organization.costs", lambda r: _result_object(r) == "organization.costs.result"),
    Signature("anthropic-usage", ("data",), "results with uncached_input_tokens", lambda r: _results(r, "uncached_input_tokens")),
    Signature("anthropic-cost", ("data",), "results with amount and cost_type", lambda r: _results(r, "amount", "cost_type")),
    Signature("azure-apim", ("correlationid", "prompttokens"), "CorrelationId and PromptTokens", fold=True),
    Signature("azure-apim", ("records",), "records with CorrelationId", _apim_records),
    Signature("azure-apim", ("correlationid", "properties"), "CorrelationId and PromptTokens in its properties", lambda r: "PromptTokens" in str(r.get("properties"))[:20_000], fold=True),
    Signature("langfuse", ("observations",), "a trace with its observations"),
    Signature("langfuse-scores", ("data",), "scores with dataType and a trace", _data_has("dataType", "name", "timestamp")),
    Signature("langfuse-scores", ("name", "value", "dataType"), "a score with its dataType"),
    Signature("langfuse-scores", ("name", "value", "data_type"), "a score with its data_type"),
    Signature("otel-evaluations", ("resourceLogs",), "gen_ai.evaluation.result", lambda r: "gen_ai.evaluation." in str(r)[:200_000]),
    Signature("promptfoo", ("evalId", "results"), "evalId and results"),
    Signature("promptfoo", ("promptIdx", "testIdx", "provider"), "promptIdx and testIdx"),
    Signature("langfuse", ("usage_details", "type"), "usage_details and type"),
    Signature("langfuse", ("usageDetails", "type"), "usageDetails and type"),
    Signature("helicone", ("request_id", "request_created_at"), "request_created_at"),
    Signature("helicone", ("response_id", "request_created_at", "cost_usd"), "columns request_created_at and cost_usd"),
    Signature("helicone", ("data",), "data with request_created_at", _data_has("request_created_at")),
    Signature("openrouter", ("native_tokens_prompt",), "native_tokens_prompt"),
    Signature("openrouter", ("data",), "data with native_tokens_prompt", _data_has("native_tokens_prompt")),
    Signature("openrouter-activity", ("byok_usage_inference", "date"), "byok_usage_inference by date"),
    Signature("openrouter-activity", ("data",), "data with byok_usage_inference", _data_has("byok_usage_inference", "date")),
    Signature("focus", ("ChargePeriodStart", "BilledCost"), "columns ChargePeriodStart and BilledCost"),
    Signature("invoices", ("invoice_id", "provider", "period_start", "period_end"), "columns invoice_id, period_start, period_end"),
    Signature("outcomes", ("event_id", "unit_id", "event"), "event_id, unit_id, event"),
    Signature("outcomes", ("workflow", "unit_id", "event"), "unit_id and event", confidence=0.6),
    Signature("evaluations", ("item_id", "quality", "model"), "item_id, model, quality"),
    Signature("outcome-counts", ("day", "workflow", "completed"), "day, workflow, completed"),
    Signature("requests", ("request_id", "time", "provider", "model", "input_tokens"), "request_id, provider, model, input_tokens"),
    Signature("requests", ("request_id", "time", "provider", "model"), "request_id, time, provider, model", confidence=0.8),
    Signature("requests", ("provider", "model", "input_tokens", "output_tokens"), "provider, model, input_tokens, output_tokens", lambda r: "item_id" not in r, confidence=0.4),
)  # fmt: skip


#: Texts that give a kind away in the beginning of a document too long to be read whole.
MARKS: tuple[tuple[str, bytes], ...] = (
    ("otlp", b'"resourceSpans"'),
    ("langfuse", b'"observations"'),
    ("promptfoo", b'"evalId"'),
    ("otel-evaluations", b'"gen_ai.evaluation.result"'),
    ("openai-usage", b'"organization.usage.'),
    ("openai-costs", b'"organization.costs.result"'),
    ("anthropic-usage", b'"uncached_input_tokens"'),
    ("anthropic-cost", b'"cost_type"'),
    ("bedrock", b"ModelInvocationLog"),
    ("openrouter", b'"native_tokens_prompt"'),
    ("helicone", b'"request_created_at"'),
)
