"""Readers of Outlay's own request log and of outcomes, and what every reader needs: instants, counts,
amounts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.reference.files import canonical
from tests.reference.shapes import Event, Refused, Report, half_even

PROVIDERS = {
    "gemini": "google",
    "vertex": "google",
    "vertex_ai": "google",
    "gcp.vertex_ai": "google",
    "bedrock": "aws",
    "aws.bedrock": "aws",
    "azure_openai": "azure",
    "az.ai.openai": "azure",
}
ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
#: Field names that hold content or secrets, never tags.
DROPPED = (
    "prompt",
    "messages",
    "input",
    "output",
    "completion",
    "response",
    "content",
    "text",
    "headers",
    "authorization",
    "password",
    "cookie",
)
EVENTS = ("failed", "completed", "accepted", "rejected")
REQUEST_FIELDS = {
    "request_id",
    "response_id",
    "time",
    "provider",
    "model",
    "status",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_long_tokens",
    "reasoning_tokens",
    "service_tier",
    "region",
    "latency_ms",
    "cost_usd",
    "units",
}


def provider(name: str) -> str:
    return PROVIDERS.get(name, name)


def instant(value: Any) -> datetime:
    if not isinstance(value, str) or not ZONED.fullmatch(value):
        raise Refused("time")
    return datetime.fromisoformat(value).astimezone(UTC)


def need(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise Refused(name)
    return value


def count(value: Any, name: str, default: int | None = None) -> int:
    if value is None and default is not None:
        return default
    if type(value) is not int or not 0 <= value <= 10**12:
        raise Refused(name)
    return value


def amount(value: Any) -> Fraction | None:
    """What a sender says in dollars, to 12 places."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Refused("amount")
    try:
        exact = Fraction(value)
    except ValueError as error:
        raise Refused("amount") from error
    if not 0 <= exact < 10**9:
        raise Refused("amount")
    return half_even(exact)


def tags_of(*maps: Any) -> dict[str, str]:
    """Scalars of maps by key; the first map that holds a key wins."""
    found: dict[str, str] = {}
    for values in maps:
        for key, value in (values or {}).items():
            name = key.lower()
            if name in DROPPED or name.endswith(("key", "secret")) or value in (None, ""):
                continue
            if isinstance(value, str | int | Decimal) and len(str(value)) <= 256:
                found.setdefault(key, str(value).lower() if isinstance(value, bool) else str(value))
    return found


def request(value: dict[str, Any], source: str) -> Report:
    """A line of Outlay's own request log: totals in, parts out; strict."""
    status = value.get("status", "ok")
    tier = value.get("service_tier", "standard")
    if status not in ("ok", "error") or tier not in ("standard", "batch", "flex", "priority"):
        raise Refused("status or service_tier")
    default = None if status == "ok" else 0
    total_in, total_out = (
        count(value.get("input_tokens"), "input", default),
        count(value.get("output_tokens"), "output", default),
    )
    part = {
        n: count(value.get(f"{n}_tokens"), n, 0) for n in ("cache_read", "cache_write", "cache_write_long", "reasoning")
    }
    cached = part["cache_read"] + part["cache_write"] + part["cache_write_long"]
    if cached > total_in or part["reasoning"] > total_out:
        raise Refused("parts exceed the whole")
    return Report(
        source,
        "requests",
        need(value.get("request_id"), "request_id"),
        value["request_id"],
        value.get("response_id"),
        instant(value.get("time")),
        provider(need(value.get("provider"), "provider")),
        need(value.get("model"), "model"),
        status,
        {"input": total_in - cached, "output": total_out, **part},
        tier,
        amount(value.get("cost_usd")),
        units=_units(value.get("units")),
        tags=tags_of({k: v for k, v in value.items() if k not in REQUEST_FIELDS}),
        text=canonical(value),
    )


def _units(value: Any) -> dict[str, Fraction] | None:
    if not value:
        return None
    weights: dict[str, Fraction] = {}
    for entry in value:
        weight = entry.get("weight", 1)
        if isinstance(weight, bool) or not isinstance(weight, int | Decimal) or weight <= 0:
            raise Refused("weight")
        unit = need(entry.get("unit_id"), "unit_id")
        weights[unit] = weights.get(unit, Fraction(0)) + Fraction(weight)
    return weights


def outcome(value: dict[str, Any], source: str) -> Event:
    event = value.get("event")
    if event not in EVENTS:
        raise Refused("event")
    return Event(
        need(value.get("event_id"), "event_id"),
        instant(value.get("time")),
        need(value.get("workflow"), "workflow"),
        need(value.get("unit_id"), "unit_id"),
        event,
        value.get("attempt_id"),
        amount(value.get("value_usd")),
        canonical(value),
    )
