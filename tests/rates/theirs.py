"""What genai-prices itself makes of a request, where it claims a price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage

CONTEXT = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}


def entry_of(request: dict[str, Any]) -> tuple[str, str]:
    """The provider as logged, and the id of the entry that genai-prices takes for the model."""
    _, model = get_snapshot().find_provider_model(request["model"], None, request["provider"], None)
    return request["provider"], model.id


def theirs(request: dict[str, Any]) -> Decimal | None:
    """calc_price, or None where genai-prices has no price for the model or its tier on that day."""
    try:
        provider, model = get_snapshot().find_provider_model(request["model"], None, request["provider"], None)
    except LookupError:
        return None
    context = CONTEXT.get(request["service_tier"])
    if context is not None:
        offered = [
            v for v in model.price_variants or () if v.when == context and any(model is m for m in provider.models)
        ]
        if not any(v.constraint is None or v.constraint.active(request["time"]) for v in offered):
            return None
    usage = usage_of(request)
    made = model.calc_price(usage, provider, genai_request_timestamp=request["time"], price_context=context)
    return made.total_price


def usage_of(request: dict[str, Any]) -> Usage:
    """A request's quantities as genai-prices counts them: cache inside input, reasoning inside output."""
    written = request["cache_write"] + request["cache_write_long"]
    return Usage(
        input_tokens=request["input_uncached"] + request["cache_read"] + written,
        cache_read_tokens=request["cache_read"],
        cache_write_tokens=written,
        cache_write_1h_tokens=request["cache_write_long"],
        output_tokens=request["output_nonreasoning"] + request.get("output_reasoning", 0),
        web_searches=request["extras"].get("web_search", 0),
    )
