"""Kind `openrouter`: generations as `GET /api/v1/generation` returns them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipelines.sources import canonical
from pipelines.sources.context import Context
from pipelines.sources.envelope import each
from pipelines.sources.formats import Format
from pipelines.sources.record import Parsed, RequestRecord
from pipelines.sources.tags import Tags
from pipelines.sources.tiers import region, service_tier
from pipelines.sources.usage import parts
from pipelines.sources.values import (
    Reject,
    amount,
    count_or_zero,
    decimal,
    latency,
    mapping,
    text,
    utc_text,
)


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """One generation, bare or as `{"data": …}`, or several as `{"data": […]}`."""
    line = mapping(value, "line")
    data = line.get("data", line)
    return each(data, _call, context) if type(data) is list else _call(data, context)


def _call(value: Any, context: Context) -> tuple[RequestRecord]:
    line = mapping(value, "data")
    key = text(line.get("id"), "id")
    failed = line.get("finish_reason") == "error"
    if line.get("native_tokens_prompt") is None and not failed:
        raise Reject("no usage")
    tags = Tags(context)
    for name in ("session_id", "external_user", "workspace_id", "app_id", "provider_name"):
        tags.add(name, line.get(name))
    record = RequestRecord(
        record_key=key,
        request_id=key,
        response_id=key,
        time=utc_text(line.get("created_at"), "created_at", context),
        provider="openrouter",
        model=text(line.get("model"), "model"),
        status="error" if failed else "ok",
        service_tier=service_tier(line.get("service_tier")),
        region=region(line.get("data_region")),
        latency_ms=latency(line.get("latency")),
        recorded_usd=_cost(line),
        tags=tags.done(),
    )
    if line.get("response_cache_source_id") is not None:  # OpenRouter's own cache answered: no model ran
        record.flags = ("cache_hit",)
    else:
        tokens = parts(
            total_in=count_or_zero(line.get("native_tokens_prompt"), "native_tokens_prompt"),
            read=count_or_zero(line.get("native_tokens_cached"), "native_tokens_cached"),
            write=0,
            long=0,
            total_out=count_or_zero(line.get("native_tokens_completion"), "native_tokens_completion"),
            reasoning=count_or_zero(line.get("native_tokens_reasoning"), "native_tokens_reasoning"),
        )
        images = count_or_zero(line.get("native_tokens_completion_images"), "native_tokens_completion_images")
        tokens.modality("output_image", images, "output_nonreasoning")
        tokens.known_classes = 2 + (line.get("native_tokens_cached") is not None)
        tokens.known_classes += line.get("native_tokens_reasoning") is not None
        tokens.give(record)
    record.canonical = canonical.of_request(record)
    return (record,)


def _cost(line: dict[str, Any]) -> Decimal | None:
    """What OpenRouter charged, plus what the provider bills beside it for a customer's own key."""
    charged = line.get("total_cost") if line.get("total_cost") is not None else line.get("usage")
    if charged is None:
        return None
    total = decimal(charged, "total_cost")
    upstream = line.get("upstream_inference_cost")
    if line.get("is_byok") is True and upstream is not None:
        total += decimal(upstream, "upstream_inference_cost")
    return amount(total, "total_cost")


FORMATS = (
    Format(
        kind="openrouter",
        shapes=("json",),
        tokens="native_tokens_*, inclusive: cached inside the prompt, reasoning inside the completion",
        key="id",
        time="created_at, ISO 8601 with offset",
        tags="session_id, workspace_id, app_id, provider_name; external_user if mapped",
        recorded="exact",
        parse=parse,
    ),
)
