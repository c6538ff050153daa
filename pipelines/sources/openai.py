"""Kinds `openai` (chat completion, text completion, Response bodies) and `openai-batch` (batch outputs)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from pipelines.sources import canonical, usage
from pipelines.sources.attributes import TABLES
from pipelines.sources.context import Context
from pipelines.sources.envelope import instant, unwrap
from pipelines.sources.formats import Format
from pipelines.sources.ids import answered_by
from pipelines.sources.record import RequestRecord
from pipelines.sources.tags import Tags
from pipelines.sources.tiers import service_tier
from pipelines.sources.values import Reject, amount, decimal, epoch, mapping, text

_BODY = frozenset(TABLES["openai"]["body"])
_OBJECTS = ("chat.completion", "text_completion", "text.completion", "response")


def parse_body(value: Any, context: Context) -> tuple[RequestRecord]:
    """One body, bare or wrapped."""
    body, beside = unwrap(value, _BODY)
    record = call(body, beside, context)
    record.canonical = canonical.of_request(record)
    return (record,)


def parse_batch(value: Any, context: Context) -> tuple[RequestRecord]:
    """One line of a batch's output or error file, always at the batch price."""
    line = mapping(value, "line")
    key = text(line.get("id"), "id")
    response = mapping(line.get("response"), "response")
    body = mapping(response.get("body"), "response.body")
    beside = {name: field for name, field in line.items() if name not in ("id", "response", "error")}
    failed = not response or line.get("error") is not None or body.get("error") is not None
    if failed and "usage" not in body:
        tags = Tags(context)
        time = instant(beside, context)
        tags.add_map(beside)
        record = RequestRecord(key, key, None, time, "openai", "", status="error", tags=tags.done())
        record.flags = ("not_executed",)
    else:
        record = call(body, beside, context)
        record.record_key = key
    record.service_tier = "batch"
    record.canonical = canonical.of_request(record)
    return (record,)


def call(body: dict[str, Any], beside: dict[str, Any], context: Context) -> RequestRecord:
    """A call from its body and the fields beside it."""
    if body.get("object") not in _OBJECTS:
        raise Reject("object: expected chat.completion, text_completion or response")
    key = text(body.get("id"), "id")
    failed = body.get("status") in ("failed", "cancelled")
    spent = mapping(body.get("usage"), "usage")
    if not spent and not failed:
        raise Reject("no usage")
    time = _time(body, beside, context)
    tags = Tags(context)
    tags.add_map({name: field for name, field in beside.items() if name not in ("provider", "metadata")})
    tags.add("user", body.get("user"))
    tags.add_map(beside.get("metadata"))
    tags.add_map(body.get("metadata"))
    record = RequestRecord(
        record_key=key,
        request_id=key,
        response_id=key,
        time=time,
        provider=answered_by(beside) or _told(body) or "openai",
        model=text(body.get("model"), "model"),
        status="error" if failed else "ok",
        service_tier=service_tier(body.get("service_tier")),
        recorded_usd=_cost(spent),
        tags=tags.done(),
    )
    tokens = usage.openai(spent) if spent else usage.Tokens()
    if searches := _web_searches(body):
        tokens.extras["web_search"] = searches
    return tokens.give(record)


def _told(body: dict[str, Any]) -> str | None:
    """Compatible providers whose bodies carry a field that nobody else writes."""
    if "prompt_filter_results" in body:
        return "azure"
    return "groq" if "x_groq" in body else None


def _time(body: dict[str, Any], beside: dict[str, Any], context: Context) -> datetime:
    """The wrapper's time, the body's own (Unix seconds), or the date in the path."""
    if beside.get("time") is None and beside.get("timestamp") is None:
        for name in ("created", "created_at"):
            if body.get(name) is not None:
                return epoch(body[name], name, 1, context)
    return instant(beside, context)


def _cost(spent: dict[str, Any]) -> Decimal | None:
    """OpenRouter writes its charge into the usage; what runs on a customer's own key is billed on top."""
    if spent.get("cost") is None:
        return None
    upstream = mapping(spent.get("cost_details"), "cost_details").get("upstream_inference_cost")
    own_key = spent.get("is_byok") is True and upstream is not None
    total = decimal(spent["cost"], "usage.cost")
    return amount(total + decimal(upstream, "upstream cost") if own_key else total, "usage.cost")


def _web_searches(body: dict[str, Any]) -> int:
    """Web searches of a Response are charged per call."""
    output = body.get("output")
    if type(output) is not list:
        return 0
    return sum(type(item) is dict and item.get("type") == "web_search_call" for item in output)


_TOKENS = "inclusive: cached and cache writes inside the input, reasoning inside the output"
FORMATS = (
    Format(
        kind="openai",
        shapes=("json",),
        tokens=_TOKENS,
        key="id",
        time="time beside the body, RFC 3339; else created or created_at, Unix seconds",
        tags="metadata of Responses, fields beside the body",
        parse=parse_body,
    ),
    Format(
        kind="openai-batch",
        shapes=("json",),
        tokens=_TOKENS,
        key="id of the line (batch_req_*)",
        time="created or created_at of the body; for failed lines time beside it, else the date in the path",
        tags="custom_id, metadata of Responses, fields beside the response",
        parse=parse_batch,
    ),
)
