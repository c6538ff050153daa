"""One spelling for what a record says, so that two payloads can be compared as text.

Keys in code-point order, no white space, each number in one spelling (`1`, `1.0` and `1e0` are one number),
text unescaped. Never build it from anything that is not kept.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from pipelines.sources.record import RequestRecord

_quote = encode_basestring
#: Exponents beyond this keep the scientific spelling: 1e-999999 must not become a million zeros.
_PLAIN = 60


def number(value: Decimal) -> str:
    """The shortest plain spelling of an exact number."""
    text = str(value)
    if "E" not in text:
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("not a finite number")
    significant = "".join(map(str, digits)).lstrip("0")
    if not significant:
        return "0"
    stripped = significant.rstrip("0")
    exponent += len(significant) - len(stripped)
    minus = "-" if sign else ""
    if exponent > _PLAIN or exponent < -_PLAIN - len(stripped):
        return f"{minus}{stripped}E{exponent}"
    if exponent >= 0:
        return minus + stripped + "0" * exponent
    whole = stripped[:exponent] if len(stripped) > -exponent else "0"
    return f"{minus}{whole}.{stripped[exponent:].rjust(-exponent, '0')}"


@lru_cache(maxsize=4096)
def _name(key: str) -> str:
    return _quote(key) + ":"


def text(value: Any) -> str:
    """Canonical JSON of a parsed JSON value (or of a mapping of such values and instants)."""
    kind = type(value)
    if kind is dict:
        pieces: list[str] = []
        for key in sorted(value):
            inner = value[key]
            if type(inner) is str:
                pieces.append(_name(key) + _quote(inner))
            elif type(inner) is int:
                pieces.append(_name(key) + str(inner))
            else:
                pieces.append(_name(key) + text(inner))
        return "{" + ",".join(pieces) + "}"
    if kind is str:
        return _quote(value)
    if kind is int:
        return str(value)
    if kind is Decimal:
        return number(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is list or kind is tuple:
        return "[" + ",".join([text(item) for item in value]) + "]"
    if kind is datetime:
        return _quote(value.isoformat())
    raise TypeError(f"no canonical text for {kind.__name__}")


#: What a payload says. What follows from these fields (request id, known classes) is left out.
_FIELDS = (
    "cache_read", "cache_write", "cache_write_long", "extras", "flags", "input_uncached", "latency_ms",
    "model", "output_nonreasoning", "output_reasoning", "parent_span_id", "provider", "record_key",
    "recorded_usd", "region", "resource_tags", "response_id", "service_tier", "status", "tags", "time",
    "trace_id", "units", "updated_at",
)  # fmt: skip


def of_request(record: RequestRecord) -> str:
    """Canonical text of what was kept of a call, for formats whose raw record holds more than that.

    Zeros and empty fields are left out; a recorded cost of 0 stays.
    """
    kept: dict[str, Any] = {}
    for name in _FIELDS:
        value = getattr(record, name)
        if value or (name == "recorded_usd" and value is not None):
            kept[name] = value
    return text(kept)
