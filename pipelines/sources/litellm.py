"""Kinds `litellm` (StandardLoggingPayload of the callbacks) and `litellm-spendlogs` (the table of the proxy).

LiteLLM brings every provider to OpenAI's inclusive counts. Its costs are estimates from its own price map.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from pipelines.sources import canonical, documents
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.ids import bedrock_region, provider_id, provider_of_model
from pipelines.sources.record import Quarantined, RequestRecord
from pipelines.sources.tags import Tags
from pipelines.sources.tiers import region, service_tier
from pipelines.sources.usage import Tokens, parts
from pipelines.sources.values import (
    Reject,
    amount,
    count_or_zero,
    digits,
    epoch,
    latency,
    mapping,
    optional_text,
    text,
    utc_text,
)


def parse_payload(value: Any, context: Context) -> tuple[RequestRecord]:
    """One StandardLoggingPayload; times are Unix seconds with a fraction."""
    line = mapping(value, "line")
    start: Any = line.get("startTime")
    end: Any = line.get("endTime")
    time = epoch(start, "startTime", 1, context)
    record = _call(line, mapping(line.get("metadata"), "metadata"), line.get("response_cost"), time, context)
    if type(start) in (int, Decimal) and type(end) in (int, Decimal) and end >= start:
        record.latency_ms = latency((Decimal(end) - Decimal(start)) * 1000)
    return _finished(record)


def parse_spendlog(value: Any, context: Context) -> tuple[RequestRecord]:
    """One row of LiteLLM_SpendLogs, as JSON or CSV; JSON columns may be texts, times are UTC."""
    line = dict(value) if isinstance(value, dict) else mapping(value, "line")
    metadata = _json_column(line.get("metadata"), "metadata", {})
    line["request_tags"] = _json_column(line.get("request_tags"), "request_tags", [])
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        if line.get(name) is not None:
            line[name] = digits(line[name], name)
    line["id"] = line.get("request_id")
    line["litellm_call_id"] = line.get("litellm_call_id") or metadata.get("litellm_call_id")
    line["cache_hit"] = str(line.get("cache_hit")).lower() == "true"
    time = utc_text(line.get("startTime"), "startTime", context)
    record = _call(line, metadata, line.get("spend"), time, context)
    duration = line.get("request_duration_ms")
    record.latency_ms = latency(int(duration) if type(duration) is str and duration.isdecimal() else duration)
    return _finished(record)


def _finished(record: RequestRecord) -> tuple[RequestRecord]:
    record.canonical = canonical.of_request(record)
    return (record,)


def _call(line: dict[str, Any], metadata: dict[str, Any], cost: Any, time: datetime, context: Context) -> RequestRecord:
    response_id = optional_text(line.get("id"), "id")
    key = optional_text(line.get("litellm_call_id"), "litellm_call_id") or response_id
    if key is None:
        raise Reject("expected litellm_call_id or id")
    model = text(line.get("model"), "model")
    named = optional_text(line.get("custom_llm_provider"), "custom_llm_provider")
    provider = provider_id(named) if named else provider_of_model(model)
    usage = mapping(metadata.get("usage_object"), "usage_object")
    breakdown = mapping(metadata.get("cost_breakdown", line.get("cost_breakdown")), "cost_breakdown")
    tier, place = tier_and_place(usage, breakdown)
    record = RequestRecord(
        record_key=key,
        request_id=response_id or key,
        response_id=response_id,
        time=time,
        provider=provider,
        model=model,
        status="error" if line.get("status") == "failure" else "ok",
        service_tier=service_tier(tier),
        region=region(place) or (bedrock_region(model, None) if provider == "aws" else None),
        recorded_usd=None if cost is None else amount(cost, "response_cost"),
        recorded_is_estimate=True,
        tags=tags_of(line, metadata, context),
    )
    if line.get("cache_hit") is True:  # LiteLLM's own cache answered: the replayed tokens were not used again
        record.recorded_usd = Decimal(0)
        record.flags = ("cache_hit",)
        return record
    return tokens_of(line, metadata, usage).give(record)


def tier_and_place(usage: dict[str, Any], breakdown: dict[str, Any]) -> tuple[Any, Any]:
    """What the price depends on, as logged."""
    tier = usage.get("service_tier") or breakdown.get("service_tier")
    speed = usage.get("speed")
    if speed is not None and service_tier(speed) != "standard":
        tier = speed
    return tier, usage.get("inference_geo") or breakdown.get("data_residency")


def tokens_of(line: dict[str, Any], metadata: dict[str, Any], usage: dict[str, Any]) -> Tokens:
    """Disjoint parts of a payload's or a row's counts."""
    source = usage or line
    total_in = count_or_zero(source.get("prompt_tokens"), "prompt_tokens")
    total_out = count_or_zero(source.get("completion_tokens"), "completion_tokens")
    if not usage:
        usage = mapping(metadata.get("additional_usage_values"), "additional_usage_values")
    if not total_in and not total_out:
        if line.get("status") != "failure" and source.get("prompt_tokens") is None:
            raise Reject("no usage")
        return Tokens(known_classes=2)
    inside = mapping(usage.get("prompt_tokens_details"), "prompt_tokens_details")
    outside = mapping(usage.get("completion_tokens_details"), "completion_tokens_details")
    lifetimes = mapping(inside.get("cache_creation_token_details"), "cache_creation_token_details")
    # Each pair of names is one number under two names: the first that is there, never both.
    reads = (inside.get("cached_tokens"), usage.get("cache_read_input_tokens"))
    writes = (
        inside.get("cache_creation_tokens"),
        inside.get("cache_write_tokens"),
        usage.get("cache_creation_input_tokens"),
    )
    read, write = _first(reads, "cached tokens"), _first(writes, "cache write tokens")
    flags: list[str] = []
    total = count_or_zero(source.get("total_tokens"), "total_tokens")
    if write and (read + write > total_in or total == total_in + write + total_out) and read <= total_in:
        total_in += write  # versions before mid-2025 left Bedrock's cache writes out of prompt_tokens
        flags.append("exclusive_semantics")
    elif total and total != total_in + total_out:
        flags.append("token_mismatch")
    tokens = parts(
        total_in=total_in,
        read=read,
        write=write,
        long=count_or_zero(lifetimes.get("ephemeral_1h_input_tokens"), "ephemeral_1h_input_tokens"),
        total_out=total_out,
        reasoning=count_or_zero(outside.get("reasoning_tokens"), "reasoning_tokens"),
    )
    for name, quantity, out_of in (
        ("input_audio", inside.get("audio_tokens"), "input_uncached"),
        ("input_image", inside.get("image_tokens"), "input_uncached"),
        ("input_video", inside.get("video_tokens"), "input_uncached"),
        ("output_audio", outside.get("audio_tokens"), "output_nonreasoning"),
        ("output_image", outside.get("image_tokens"), "output_nonreasoning"),
    ):
        tokens.modality(name, count_or_zero(quantity, name), out_of)
    tool = mapping(usage.get("server_tool_use"), "server_tool_use")
    searches = _first((tool.get("web_search_requests"), inside.get("web_search_requests")), "web_search_requests")
    if searches:
        tokens.extras["web_search"] = searches
    told = (reads != (None,) * 2) + (writes != (None,) * 3) + ("reasoning_tokens" in outside)
    tokens.known_classes = 2 + told + 2 * bool(lifetimes)
    tokens.flags.extend(flags)
    return tokens


def _first(values: tuple[Any, ...], name: str) -> int:
    return next((count_or_zero(value, name) for value in values if value is not None), 0)


def tags_of(line: dict[str, Any], metadata: dict[str, Any], context: Context) -> dict[str, str]:
    tags = Tags(context)
    tags.add_map(metadata.get("spend_logs_metadata"))
    requester = metadata.get("requester_metadata")
    if isinstance(requester, dict):
        tags.add_map({name: value for name, value in requester.items() if name != "tags"})
        tags.add_list("request_tags", requester.get("tags"))
    tags.add_list("request_tags", line.get("request_tags"))
    for name, value in named_tags(line, metadata):
        tags.add(name, value)
    alias = metadata.get("user_api_key_alias")
    if type(alias) is str and alias:
        tags.raw["key_alias"] = alias[:256]
    return tags.done()


def named_tags(line: dict[str, Any], metadata: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Named as a workspace's rules name them; the alias is what people know, the id what is always there."""
    told = metadata.get
    team = told("user_api_key_team_id") or line.get("team_id")
    project = told("user_api_key_project_id")
    return (
        ("model_group", line.get("model_group")),
        ("team", told("user_api_key_team_alias") or team),
        ("team_id", team),
        ("project", told("user_api_key_project_alias") or project),
        ("project_id", project),
        (
            "organization",
            told("user_api_key_org_alias") or told("user_api_key_org_id") or line.get("organization_id"),
        ),
        ("session_id", line.get("session_id")),
        ("end_user", line.get("end_user")),
        ("user", told("user_api_key_user_id") or line.get("user")),
    )


def _json_column(value: Any, name: str, empty: Any) -> Any:
    if value is None or value == "":
        return empty
    if type(value) is str:
        value = documents.parse(value.encode("utf-8"))
    if type(value) is Quarantined or type(value) is not type(empty):
        raise Reject(f"{name}: expected JSON")
    return value


_TOKENS = "inclusive for every provider: cache inside prompt_tokens, reasoning inside completion_tokens"
FORMATS = (
    Format(
        kind="litellm",
        shapes=("json",),
        tokens=_TOKENS,
        key="litellm_call_id, else id",
        time="startTime, Unix seconds with a fraction",
        tags="spend_logs_metadata, requester_metadata, request_tags; key alias, team, project, model group",
        recorded="estimate",
        parse=parse_payload,
    ),
    Format(
        kind="litellm-spendlogs",
        shapes=("json", "csv", "parquet"),
        tokens=_TOKENS + "; details in metadata",
        key="litellm_call_id, else request_id",
        time="startTime, UTC without a zone",
        tags="as for litellm, without requester_metadata",
        recorded="estimate",
        parse=parse_spendlog,
    ),
)
