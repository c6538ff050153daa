"""Single values of a log, read strictly: counts, amounts, instants. Nothing here guesses a unit.

Every function raises `Reject` with a reason that names the field and what was expected, never the value found
(a value may be anything, also somebody's prompt).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from pipelines.sources.context import Context as ReadContext

MAX_COUNT = 10**12
MAX_TEXT = 1024  #: ids, names of models and the like
MAX_AMOUNT = Decimal(10**9)
_PLACES = Decimal("1e-12")
_EXACT = Context(prec=80)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A count of seconds, ms, µs or ns that lands before this was written in another unit: no model API is older.
OLDEST = datetime(2015, 1, 1, tzinfo=UTC)


class Reject(Exception):
    """This record can't be read; the text is the reason shown in the quarantine."""


#: What a value of a wholly unexpected shape makes a parser raise: the record is at fault, not the program.
ODD = (TypeError, AttributeError, KeyError, IndexError, ValueError, ArithmeticError, RecursionError)


def count(value: Any, name: str) -> int:
    """A whole number from 0 to 10^12. `12.0` and `1e3` are whole; `"12"`, `true` and `1.5` are no counts."""
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value
    if type(value) is Decimal and 0 <= value <= MAX_COUNT and value == value.to_integral_value():
        return int(value)
    raise Reject(f"{name}: expected a whole number from 0 to 10^12")


def count_or_zero(value: Any, name: str) -> int:
    """Like `count`, null and absent being 0."""
    return 0 if value is None else count(value, name)


def digits(value: Any, name: str) -> int:
    """Like `count`, for formats that spell integers as text (OTLP, BigQuery, CSV)."""
    if type(value) is str:
        text = value.strip()
        if not (text.isascii() and text.isdigit()) or len(text) > 15:
            raise Reject(f"{name}: expected a whole number from 0 to 10^12")
        value = int(text)
    return count(value, name)


def decimal(value: Any, name: str) -> Decimal:
    """An exact number, from a JSON number or a decimal string."""
    if type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    if type(value) is str and len(value) <= 64 and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise Reject(f"{name}: expected a decimal number")


def amount(value: Any, name: str) -> Decimal:
    """Money from 0 to below 10^9, rounded once, half-even, to 12 places."""
    number = decimal(value, name)
    if not number.is_finite() or number < 0:
        raise Reject(f"{name}: expected an amount of at least 0")
    if number >= MAX_AMOUNT:
        raise Reject(f"{name}: expected an amount below 10^9")
    return number.quantize(_PLACES, ROUND_HALF_EVEN, _EXACT)


def share(value: Any, name: str) -> Decimal:
    """A number from 0 to 1, rounded half-even to 12 places."""
    number = decimal(value, name)
    if not number.is_finite() or not 0 <= number <= 1:
        raise Reject(f"{name}: expected a number from 0 to 1")
    return number.quantize(_PLACES, ROUND_HALF_EVEN, _EXACT)


def milliseconds(value: Any, name: str) -> int | None:
    """A duration in ms, rounded to whole ones; null stays null."""
    if value is None:
        return None
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value
    if type(value) is Decimal and 0 <= value <= MAX_COUNT:
        return int(value.to_integral_value(ROUND_HALF_EVEN))
    raise Reject(f"{name}: expected milliseconds, a number of at least 0")


def latency(value: Any) -> int | None:
    """A duration in ms of a log that is not ours: one that can't be is left out, the call still counts."""
    try:
        return milliseconds(value, "latency")
    except Reject:
        return None


def text(value: Any, name: str) -> str:
    """A required string that says something."""
    if type(value) is not str or not value:
        raise Reject(f"{name}: expected a text that is not empty")
    if len(value) > MAX_TEXT:
        raise Reject(f"{name}: expected at most {MAX_TEXT} characters")
    return value


def optional_text(value: Any, name: str) -> str | None:
    """A string, or None for null and the empty string."""
    if value is None or value == "":
        return None
    if type(value) is not str:
        raise Reject(f"{name}: expected a text")
    if len(value) > MAX_TEXT:
        raise Reject(f"{name}: expected at most {MAX_TEXT} characters")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """A JSON object; null is an empty one."""
    if value is None:
        return {}
    if type(value) is not dict:
        raise Reject(f"{name}: expected an object")
    return value


def rfc3339(value: Any, name: str, context: ReadContext) -> datetime:
    """An RFC 3339 instant with its zone, as UTC. Digits below the microsecond are cut off."""
    match = _RFC3339.fullmatch(value) if type(value) is str else None
    if match is None:
        raise Reject(f"{name}: expected an RFC 3339 time with a zone")
    try:
        if match.group(1) == "60":  # a leap second is the first instant of the next minute
            instant = datetime.fromisoformat(f"{value[:17]}59{value[19:]}".upper()) + timedelta(seconds=1)
        else:
            instant = datetime.fromisoformat(value if value[-1] != "z" else value[:-1] + "Z")
        return credible(instant.astimezone(UTC), name, context)
    except (ValueError, OverflowError):
        raise Reject(f"{name}: expected an RFC 3339 time with a zone") from None


def utc_text(value: Any, name: str, context: ReadContext) -> datetime:
    """An instant written without a zone where the format says UTC; a zone that is written counts."""
    if type(value) is str:
        stripped = value.removesuffix(" UTC")
        if _NAIVE.fullmatch(stripped):
            return rfc3339(stripped + "Z", name, context)
    return rfc3339(value, name, context)


def epoch(value: Any, name: str, per_second: int, context: ReadContext) -> datetime:
    """An instant counted from 1970 in the unit that the format declares (`per_second` of them a second)."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if type(value) not in (int, Decimal):
        raise Reject(f"{name}: expected a time counted from 1970")
    try:
        instant = _EPOCH + timedelta(microseconds=int(Decimal(value) * 1_000_000 / per_second))
    except OverflowError:
        raise Reject(f"{name}: more than 24 h in the future") from None
    except (ArithmeticError, ValueError):
        raise Reject(f"{name}: expected a time counted from 1970") from None
    if instant < OLDEST:
        raise Reject(f"{name}: before 2015, so not counted in the unit that this format uses")
    return credible(instant, name, context)


def credible(instant: datetime, name: str, context: ReadContext) -> datetime:
    """Refuse a clock that runs more than 24 hours ahead."""
    if instant > context.latest:
        raise Reject(f"{name}: more than 24 h in the future")
    return instant


def said_time(value: Any) -> datetime | None:
    """The `time` of a record that is refused for something else; None where it names none that can be read."""
    try:
        instant = datetime.fromisoformat(value["time"])
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (TypeError, KeyError, ValueError, OverflowError):
        return None
