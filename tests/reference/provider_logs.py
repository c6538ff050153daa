"""Readers of LiteLLM's StandardLoggingPayload and of Anthropic's batch results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.reference.files import canonical
from tests.reference.readers import amount, count, instant, provider, tags_of
from tests.reference.shapes import Refused, Report


def litellm(value: dict[str, Any], source: str) -> Report:
    """A StandardLoggingPayload: OpenAI's inclusive counts for every provider, and an estimate of the cost."""
    metadata = value.get("metadata") or {}
    usage = metadata.get("usage_object") or value
    inside, outside = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    read = count(inside.get("cached_tokens", usage.get("cache_read_input_tokens")), "cached", 0)
    write = count(inside.get("cache_creation_tokens", inside.get("cache_write_tokens")), "write", 0)
    long = count((inside.get("cache_creation_token_details") or {}).get("ephemeral_1h_input_tokens"), "1h", 0)
    total_in, total_out = (
        count(usage.get("prompt_tokens"), "prompt", 0),
        count(usage.get("completion_tokens"), "completion", 0),
    )
    tokens = {
        "input": total_in - read - write,
        "cache_read": read,
        "cache_write": write - long,
        "cache_write_long": long,
        "output": total_out,
        "reasoning": count(outside.get("reasoning_tokens"), "reasoning", 0),
    }
    if value.get("cache_hit") is True:  # answered from the gateway's own store: nothing was used again
        tokens = dict.fromkeys(tokens, 0)
    listed = dict(tag.split(":", 1) for tag in value.get("request_tags") or [] if ":" in tag)
    known = {
        "key_alias": metadata.get("user_api_key_alias"),
        "team": metadata.get("user_api_key_team_alias"),
        "model_group": value.get("model_group"),
    }
    call = value.get("litellm_call_id") or value["id"]
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(Decimal(value["startTime"]) * 1_000_000))
    return Report(
        source,
        "litellm",
        call,
        value.get("id") or call,
        value.get("id"),
        start,
        provider(value["custom_llm_provider"]),
        value["model"],
        "error" if value.get("status") == "failure" else "ok",
        tokens,
        "standard",
        amount(value.get("response_cost")),
        True,
        tags=tags_of(metadata.get("spend_logs_metadata"), metadata.get("requester_metadata"), listed, known),
        known=2 + bool(read) + bool(write) + 2 * bool(inside.get("cache_creation_token_details")) + bool(outside),
        text=canonical(value),
    )


def batch(value: dict[str, Any], source: str) -> Report:
    """A line of a batch result file: the message's counts are disjoint, the price is the batch price."""
    result, tags = value["result"], tags_of({k: v for k, v in value.items() if k not in ("result", "time")})
    time = instant(value.get("time"))
    if result["type"] != "succeeded":
        raise Refused("a line that never ran is no request")
    message = result["message"]
    usage = message["usage"]
    lifetimes = usage.get("cache_creation") or {}
    written = count(usage.get("cache_creation_input_tokens"), "write", 0)
    long = count(lifetimes.get("ephemeral_1h_input_tokens"), "1h", 0)
    tokens = {
        "input": count(usage["input_tokens"], "input"),
        "cache_read": count(usage.get("cache_read_input_tokens"), "read", 0),
        "cache_write": written - long,
        "cache_write_long": long,
        "output": count(usage["output_tokens"], "output"),
        "reasoning": count((usage.get("output_tokens_details") or {}).get("thinking_tokens"), "thinking", 0),
    }
    return Report(
        source,
        "batch",
        message["id"],
        message["id"],
        message["id"],
        time,
        "anthropic",
        message["model"],
        "ok",
        tokens,
        "batch",
        tags=tags,
        text=canonical(value),
    )
