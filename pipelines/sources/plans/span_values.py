"""Single values of a span in OTLP/JSON, as a lean reader takes them: exact, or left to the parser of single records."""

from __future__ import annotations

from typing import Any

from pipelines.sources.opentelemetry import MODALITIES, tokens_of
from pipelines.sources.otlp_json import plain
from pipelines.sources.plans.lean import Leave, exact
from pipelines.sources.values import MAX_COUNT

_MODALITIES = frozenset(name for name, _ in MODALITIES)


def counts(fields: dict[str, Any], beside: bool) -> tuple[tuple[int, ...], Any, int, Any]:
    """The six disjoint parts, further classes, how many classes the span told apart, flags."""
    get = fields.get
    total, read, write, out = get("input", 0), get("cache_read", 0), get("cache_write"), get("output", 0)
    reasoning, long = get("reasoning", 0), get("cache_write_1h", 0)
    lifetimes = get("cache_write_5m", 0) + long
    stated = write is not None
    if not stated:
        write = lifetimes
    if (
        beside
        or type(total) is not int or type(out) is not int or type(read) is not int or type(reasoning) is not int
        or type(write) is not int or (lifetimes and lifetimes != write) or long > write or read + write > total
        or reasoning > out or total > MAX_COUNT or out > MAX_COUNT or min(total, read, write, long, out, reasoning) < 0
        or not _MODALITIES.isdisjoint(fields)
    ):  # fmt: skip
        tokens = tokens_of(fields, beside=beside)
        extras = {name: quantity for name, quantity in tokens.extras.items() if quantity}
        return tokens.six(), extras or None, tokens.known_classes, tuple(tokens.flags) or None
    known = ("input" in fields) + ("output" in fields) + ("cache_read" in fields) + stated
    known += ("reasoning" in fields) + 2 * ("cache_write_1h" in fields)
    return (total - read - write, read, write - long, long, out - reasoning, reasoning), None, known, None


def listed(values: Any) -> list[dict[str, Any]]:
    if type(values) is list:
        return values
    if values is None:
        return []
    raise Leave


def nanoseconds(value: Any) -> int:
    if type(value) is str:
        if not (value.isascii() and value.isdigit()) or len(value) > 20:
            raise Leave
        return int(value)
    if type(value) is not int:
        raise Leave
    return value


def odd(field: str, value: dict[str, Any], line: bytes) -> Any:
    """A field's value where it is not of its usual type."""
    ((variant, inner),) = value.items()
    if type(inner) is int and variant in ("intValue", "doubleValue"):
        return inner
    if type(inner) is str:
        if variant == "stringValue":
            return inner
        if variant == "intValue" and inner.isascii() and inner.isdigit() and len(inner) < 16:
            return int(inner)
    if type(inner) is float and variant == "doubleValue" and field == "cost":
        return exact(line, variant, inner)
    raise Leave


def tag(value: Any, line: bytes) -> Any:
    if type(value) is dict and type(number := value.get("doubleValue")) is float and len(value) == 1:
        return exact(line, "doubleValue", number)
    return whole(alone(value))


def alone(value: Any) -> Any:
    """What an AnyValue wraps. One with several variants is none: `otlp_json` says which of them counts."""
    if type(value) is dict and len(value) > 1:
        raise Leave
    return plain(value)


def whole(value: Any) -> Any:
    """A value without floats. Raises `Leave`."""
    if type(value) is float:
        raise Leave
    if type(value) is list:
        for each in value:
            whole(each)
    elif type(value) is dict:
        for each in value.values():
            whole(each)
    return value
