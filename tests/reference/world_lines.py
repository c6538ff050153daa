"""How a made-up call is written in each log format of a generated workspace."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

#: How often another instrumentation traces the same answer.
TRACED_TWICE = 0.25


@dataclass
class Draft:
    """A call before it is written down; counts are disjoint but for `reasoning`, which is inside `output`."""

    key: str
    time: datetime
    provider: str
    model: str
    status: str = "ok"
    uncached: int = 0
    read: int = 0
    write: int = 0
    long: int = 0
    output: int = 0
    reasoning: int = 0
    tier: str = "standard"
    response: str | None = None
    recorded: str | None = None  #: decimal text
    tags: dict[str, str] = field(default_factory=dict)  #: workflow, task_type, unit_id, attempt_id
    units: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total_input(self) -> int:
        return self.uncached + self.read + self.write + self.long


def zoned(rng: random.Random, time: datetime) -> str:
    """The instant in RFC 3339, with one of several offsets."""
    offset = rng.choice([0, 0, 0, 60, 120, -300, 330])
    if offset == 0:
        return time.astimezone(UTC).isoformat().replace("+00:00", rng.choice(["Z", "+00:00"]))
    return time.astimezone(timezone(timedelta(minutes=offset))).isoformat()


def request(rng: random.Random, draft: Draft) -> dict[str, Any]:
    body: dict[str, Any] = {
        "request_id": draft.key,
        "time": zoned(rng, draft.time),
        "provider": draft.provider,
        "model": draft.model,
    }
    if draft.status != "ok" or rng.random() < 0.3:
        body["status"] = draft.status
    if draft.status == "ok" or draft.total_input:
        body |= {"input_tokens": draft.total_input, "output_tokens": draft.output}
    for name, count in (
        ("cache_read", draft.read),
        ("cache_write", draft.write),
        ("cache_write_long", draft.long),
        ("reasoning", draft.reasoning),
    ):
        if count or rng.random() < 0.1:
            body[f"{name}_tokens"] = count
    if draft.tier != "standard":
        body["service_tier"] = draft.tier
    if draft.response:
        body["response_id"] = draft.response
    if draft.recorded is not None:
        body["cost_usd"] = Decimal(draft.recorded) if rng.random() < 0.3 else draft.recorded
    if draft.units:
        body["units"] = draft.units
    return body | draft.tags


def litellm(rng: random.Random, draft: Draft) -> dict[str, Any]:
    call = str(UUID(int=rng.getrandbits(128), version=4))
    usage: dict[str, Any] = {
        "prompt_tokens": draft.total_input,
        "completion_tokens": draft.output,
        "total_tokens": draft.total_input + draft.output,
        "completion_tokens_details": {"reasoning_tokens": draft.reasoning},
        "prompt_tokens_details": {"cached_tokens": draft.read},
    }
    if draft.write or draft.long:
        usage["prompt_tokens_details"] = {
            "cached_tokens": draft.read,
            "cache_creation_tokens": draft.write + draft.long,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": draft.write,
                "ephemeral_1h_input_tokens": draft.long,
            },
        }
    logged = {{"unit_id": "document_id"}.get(name, name): value for name, value in draft.tags.items()}
    seconds = Decimal(int(draft.time.timestamp())) + Decimal(draft.time.microsecond) / 1_000_000
    return {
        "id": draft.response or f"chatcmpl-{call}",
        "litellm_call_id": call,
        "cache_hit": None,
        "status": "success" if draft.status == "ok" else "failure",
        "custom_llm_provider": draft.provider,
        "startTime": seconds,
        "endTime": seconds + 2,
        "model": draft.model,
        "model_group": draft.model,
        "metadata": {
            "user_api_key_alias": "job-7" if "workflow" not in logged else "prod",
            "spend_logs_metadata": logged or None,
            "usage_object": usage if draft.status == "ok" else None,
        },
        "response_cost": Decimal(draft.recorded) if draft.recorded is not None else Decimal("0.0"),
        "prompt_tokens": draft.total_input,
        "completion_tokens": draft.output,
        "total_tokens": draft.total_input + draft.output,
        "request_tags": [],
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
        for k, v in values.items()
    ]


def export(rng: random.Random, draft: Draft) -> list[dict[str, Any]]:
    """OTLP lines: the call, and above it a root that may carry the tags, in the same line or in its own."""
    trace, root, own = (
        f"{rng.getrandbits(128):032x}",
        f"{rng.getrandbits(64):016x}",
        f"{rng.getrandbits(64):016x}",
    )
    nanos = int(draft.time.timestamp()) * 10**9 + draft.time.microsecond * 1000
    values: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": draft.provider,
        "gen_ai.request.model": draft.model,
    }
    if draft.status == "ok":
        values |= {
            "gen_ai.response.model": draft.model,
            "gen_ai.usage.input_tokens": draft.total_input,
            "gen_ai.usage.output_tokens": draft.output,
        }
        values |= {
            "gen_ai.usage.cache_read.input_tokens": draft.read,
            "gen_ai.usage.reasoning.output_tokens": draft.reasoning,
        }
        if draft.write or draft.long:
            values["gen_ai.usage.cache_write.input_tokens"] = draft.write + draft.long
            values["anthropic.usage.cache_creation.ephemeral_5m_input_tokens"] = draft.write
            values["anthropic.usage.cache_creation.ephemeral_1h_input_tokens"] = draft.long
        if draft.response:
            values["gen_ai.response.id"] = draft.response
    else:
        values["error.type"] = "429"
    above = draft.tags if rng.random() < 0.5 else {}
    values |= {} if above else draft.tags

    def span(identity: str, parent: str | None, attributes: dict[str, Any], failed: bool = False) -> dict[str, Any]:
        found = {
            "traceId": trace,
            "spanId": identity,
            "name": "span",
            "kind": 3,
            "startTimeUnixNano": str(nanos),
            "endTimeUnixNano": str(nanos + 10**9),
        }
        return (
            found
            | ({"parentSpanId": parent} if parent else {})
            | {"attributes": _attributes(attributes), "status": {"code": 2} if failed else {}}
        )

    top = span(root, None, {"gen_ai.operation.name": "invoke_workflow"} | above)
    call = span(own, root, values, draft.status != "ok")
    calls = [call]
    if (
        draft.response and rng.random() < TRACED_TWICE
    ):  # another instrumentation traced the same answer, and saw less of it
        less = {name: value for name, value in values.items() if "ephemeral" not in name and "reasoning" not in name}
        calls.append(span(f"{rng.getrandbits(64):016x}", root, less))
    groups = [[top, *calls]] if rng.random() < 0.5 else [calls, [top]]
    return [
        {
            "resourceSpans": [
                {"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "app"}, "spans": spans}]}
            ]
        }
        for spans in groups
    ]


def batch(rng: random.Random, draft: Draft) -> dict[str, Any]:
    body: dict[str, Any] = {"custom_id": draft.key, "time": zoned(rng, draft.time)} | draft.tags
    if draft.status != "ok":
        return body | {"result": {"type": rng.choice(["errored", "expired", "canceled"])}}
    usage = {
        "input_tokens": draft.uncached,
        "cache_read_input_tokens": draft.read,
        "cache_creation_input_tokens": draft.write + draft.long,
        "cache_creation": {"ephemeral_5m_input_tokens": draft.write, "ephemeral_1h_input_tokens": draft.long},
        "output_tokens": draft.output,
        "output_tokens_details": {"thinking_tokens": draft.reasoning},
        "service_tier": "batch",
    }
    message = {
        "id": draft.response,
        "type": "message",
        "role": "assistant",
        "model": draft.model,
        "content": [],
        "usage": usage,
    }
    return body | {"result": {"type": "succeeded", "message": message}}
