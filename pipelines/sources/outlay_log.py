"""Kind `requests`: Outlay's own request log, the strictest format and the one written most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipelines.sources import canonical
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.ids import provider_id
from pipelines.sources.record import RequestRecord
from pipelines.sources.tags import Tags
from pipelines.sources.values import (
    Reject,
    amount,
    count,
    count_or_zero,
    milliseconds,
    optional_text,
    rfc3339,
    text,
)

TIERS = frozenset({"standard", "batch", "flex", "priority"})
STANDARD_REGIONS = frozenset({"global", "standard", "default"})
_TAG_FIELDS = ("workflow", "task_type", "unit_id", "attempt_id", "stratum")
_FIELDS = frozenset(
    {
        "request_id", "response_id", "time", "provider", "model", "status", "input_tokens",
        "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_long_tokens",
        "reasoning_tokens", "service_tier", "region", "latency_ms", "cost_usd", "workflow",
        "task_type", "unit_id", "attempt_id", "stratum", "units",
    }
)  # fmt: skip
_MAX_WEIGHT = Decimal(10**12)
_MIN_WEIGHT = Decimal("1e-12")


def parse(record: Any, context: Context) -> tuple[RequestRecord]:
    """One call. Totals come in, disjoint parts go out."""
    if type(record) is not dict:
        raise Reject("expected a JSON object")
    get = record.get
    request_id = text(get("request_id"), "request_id")
    time = rfc3339(get("time"), "time", context)
    provider = text(get("provider"), "provider")
    model = text(get("model"), "model")
    status = get("status")
    if status is None:
        status = "ok"
    elif status != "ok" and status != "error":
        raise Reject("status: expected ok or error")
    tier = get("service_tier")
    if tier is None:
        tier = "standard"
    elif type(tier) is not str or tier not in TIERS:
        raise Reject("service_tier: expected standard, batch, flex or priority")
    known = count if status == "ok" else count_or_zero
    total_in = known(get("input_tokens"), "input_tokens")
    total_out = known(get("output_tokens"), "output_tokens")
    read = count_or_zero(get("cache_read_tokens"), "cache_read_tokens")
    write = count_or_zero(get("cache_write_tokens"), "cache_write_tokens")
    long = count_or_zero(get("cache_write_long_tokens"), "cache_write_long_tokens")
    reasoning = count_or_zero(get("reasoning_tokens"), "reasoning_tokens")
    if read + write + long > total_in:
        raise Reject("cache tokens exceed input_tokens")
    if reasoning > total_out:
        raise Reject("reasoning_tokens exceed output_tokens")
    cost = get("cost_usd")
    region = optional_text(get("region"), "region")
    tags = Tags(context, own_log=True)
    for name in _TAG_FIELDS:
        value = get(name)
        if value is not None and value != "":
            tags.raw[name] = text(value, name)
    units = _units(get("units")) if "units" in record else ()
    kept = record
    if units:
        kept = record | {"units": [{"unit_id": unit, "weight": weight} for unit, weight in units]}
    for name in record:
        if name not in _FIELDS and not tags.add(name, record[name]):
            if kept is record:
                kept = dict(record)
            del kept[name]
    return (
        RequestRecord(
            record_key=request_id,
            request_id=request_id,
            response_id=optional_text(get("response_id"), "response_id"),
            time=time,
            provider=provider_id(provider),
            model=model,
            status=status,
            input_uncached=total_in - read - write - long,
            cache_read=read,
            cache_write=write,
            cache_write_long=long,
            output_nonreasoning=total_out - reasoning,
            output_reasoning=reasoning,
            service_tier=tier,
            region=None if region in STANDARD_REGIONS else region,
            latency_ms=milliseconds(get("latency_ms"), "latency_ms"),
            recorded_usd=None if cost is None else amount(cost, "cost_usd"),
            units=units,
            tags=tags.done(),
            canonical=canonical.text(kept),
        ),
    )


def _units(value: Any) -> tuple[tuple[str, Decimal], ...]:
    """Units with their weights, by unit id; a unit named twice adds up."""
    if value is None:
        return ()
    if type(value) is not list:
        raise Reject("units: expected a list of {unit_id, weight}")
    weights: dict[str, Decimal] = {}
    for entry in value:
        if type(entry) is not dict:
            raise Reject("units: expected a list of {unit_id, weight}")
        unit = text(entry.get("unit_id"), "units.unit_id")
        weight = entry.get("weight")
        if weight is None:
            weight = Decimal(1)
        elif type(weight) is int:
            weight = Decimal(weight)
        elif type(weight) is not Decimal:
            raise Reject("units.weight: expected a number above 0")
        if not _MIN_WEIGHT <= weight <= _MAX_WEIGHT or len(weight.as_tuple().digits) > 28:
            raise Reject("units.weight: expected a number above 0, at most 10^12")
        weights[unit] = weights.get(unit, Decimal(0)) + weight
    return tuple(sorted(weights.items()))


FORMATS = (
    Format(
        kind="requests",
        shapes=("json lines",),
        tokens="inclusive: cache inside input, reasoning inside output",
        key="request_id within (source, provider)",
        time="time, RFC 3339 with zone",
        tags="workflow, task_type, unit_id, attempt_id, stratum, and every other scalar field",
        recorded="exact",
        parse=parse,
    ),
)
