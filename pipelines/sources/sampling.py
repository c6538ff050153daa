"""What a trace says of its own sampling: that it was kept with a probability below 1.

Only plain statements count: the threshold or exponent of OpenTelemetry's `tracestate`, and attributes that are named
for a sampling probability (`attributes.toml`). A source that holds one such record holds a part of its calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.sources import canonical
from pipelines.sources.attributes import TABLES

#: Beginning of the flag that a sampled call carries; its probability follows.
FLAG = "sampled:"
#: The tag under which a span that is no call hands its probability to the calls of its trace.
TAG = "sampling.probability"
_NAMES: tuple[str, ...] = tuple(TABLES["otlp"]["sampling"]["probability"])
_TYPE, _PARAMETER = TABLES["otlp"]["sampling"]["typed"]
#: Attributes that may state a probability.
NAMES = frozenset((*_NAMES, _TYPE))
_THRESHOLD = re.compile(r"[0-9a-f]{1,14}")
_WHOLE = 1 << 56
_DIGITS = Decimal("1e-6")


def probability(attributes: Mapping[str, Any], state: Any = None) -> str | None:
    """The probability, above 0 and below 1, as canonical text; None where nothing says that calls are missing.

    `state` is the span's `tracestate`: `ot=th:c` rejects the traces whose random value lies below 0xc0…0, so it keeps
    1 − 0xc0…0 / 2^56 of them; `ot=p:3` (the older form) keeps 2^-3. The least of several statements counts.
    """
    said = [_of_state(state) if type(state) is str else None]
    said += [_number(attributes[name]) for name in _NAMES if name in attributes]
    if attributes.get(_TYPE) == "probabilistic":  # of Jaeger's samplers the one whose parameter is a probability
        said.append(_number(attributes.get(_PARAMETER)))
    below = [value for value in said if value is not None and 0 < value < 1]
    if not below:
        return None
    return canonical.number(min(max(min(below).quantize(_DIGITS), _DIGITS), 1 - _DIGITS))


def _of_state(state: str) -> Decimal | None:
    own = next(
        (rest for vendor, _, rest in (member.strip().partition("=") for member in state.split(",")) if vendor == "ot"),
        "",
    )
    fields = dict(field.partition(":")[::2] for field in own.split(";"))
    threshold = fields.get("th", "")
    if _THRESHOLD.fullmatch(threshold):
        return 1 - Decimal(int(threshold.ljust(14, "0"), 16)) / _WHOLE
    exponent = fields.get("p", "")
    if exponent.isascii() and exponent.isdecimal() and int(exponent) < 63:  # 63 stands for a probability of 0
        return Decimal(1) / (1 << int(exponent))
    return None


def _number(value: Any) -> Decimal | None:
    if type(value) not in (int, Decimal, str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
