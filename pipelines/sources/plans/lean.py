"""What the lean readers of single kinds share: one line parsed by orjson, exact numbers, instants, names of tags.

orjson reads a number with a fraction as floating point and one beyond 64 bits too. So wherever a reader meets a float,
it takes the number from the line's own text (`decimals`); all else is what the parser of single records would see.

Measured on the logs of `tests.benchmark`, µs of CPU a record, of which orjson: `otlp` 44 (6), `litellm` 63 (10),
`bedrock` 29 (4); the parsers of single records took 118, 121 and 68. Of an `otlp` span's 44: 10 are the stored row, 4 its
canonical text, 7 its attributes, 1 to 2 each the check of nesting, the resource and the ids.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any

import orjson

from pipelines.sources import canonical
from pipelines.sources.context import Context
from pipelines.sources.documents import BRACKETS_ONLY, may_be_deep, too_deep
from pipelines.sources.tags import refusal, short_key
from pipelines.sources.values import OLDEST, amount

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_MOST = 4096
_NUMBER = re.compile(rb"\s*:\s*([-+.0-9eE]+)")
_MAX_DIGITS = 40
#: Exponents that `Decimal` can't hold make a line invalid, wherever they stand; orjson reads them as 0.
_DIGITS = bytes.maketrans(b"123456789E+", b"000000000e-")
_FAR, _FAR_SIGNED = b"e" + b"0" * 18, b"e-" + b"0" * 18
#: Longer than any writer spells a float. Shorter spellings of one float are the same number to 16 digits.
_SHORT = 24


class Leave(Exception):
    """This line is for the parser of single records."""


class Lines:
    """Lines of JSON as parsed values."""

    def __init__(self) -> None:
        self._flat: set[bytes] = set()  #: brackets of lines that are not nested too deep

    def value(self, line: bytes) -> dict[str, Any]:
        """The object of a line. Raises `Leave` or `ValueError`."""
        value = orjson.loads(line)
        if type(value) is not dict:
            raise Leave
        digits = line.translate(_DIGITS)
        if _FAR in digits or _FAR_SIGNED in digits:
            raise Leave
        brackets = line.translate(*BRACKETS_ONLY)
        if brackets not in self._flat:
            if may_be_deep(line):
                if too_deep(value):
                    raise Leave
            elif len(self._flat) < _MOST:
                self._flat.add(brackets)
        if b"\\" in line and b"\\u" in line and too_deep(value):
            raise Leave
        return value


def decimals(line: bytes, name: str) -> dict[float, Decimal]:
    """The exact numbers of all members of a name in a line, by the floats that they are read as.

    Raises `Leave` where two of them are one float, or where a name might be spelt with escapes.
    """
    if not (name.isascii() and name.isprintable()) or '"' in name or "\\" in name or b"\\u00" in line:
        raise Leave
    key = f'"{name}"'.encode()
    found: dict[float, Decimal] = {}
    place = line.find(key)
    while place >= 0:
        place += len(key)
        number = _NUMBER.match(line, place)
        if number is not None:
            text = number.group(1)
            if len(text) > _MAX_DIGITS:
                raise Leave
            precise = Decimal(text.decode())
            if found.setdefault(float(text), precise) != precise:
                raise Leave
        place = line.find(key, place)
    return found


def exact(line: bytes, name: str, value: float) -> Decimal:
    """The exact number of a member that orjson read as a float: the first of its name, if that is the one."""
    place = line.find(f'"{name}"'.encode())
    number = _NUMBER.match(line, place + len(name) + 2) if place >= 0 else None
    if number is not None and len(text := number.group(1)) <= _SHORT and float(text) == value:
        return Decimal(text.decode())
    try:
        return decimals(line, name)[value]
    except KeyError:
        raise Leave from None


def money(line: bytes, name: str, value: Any) -> Decimal | None:
    """An amount as `values.amount` reads it."""
    if value is None:
        return None
    return amount(exact(line, name, value) if type(value) is float else value, name)


class Instants:
    """Microseconds since 1970 as ISO text, and whether they are credible."""

    def __init__(self, context: Context) -> None:
        self._first = (OLDEST - _EPOCH) // timedelta(microseconds=1)
        self._last = (context.latest - _EPOCH) // timedelta(microseconds=1)
        self._texts: dict[int, str] = {}

    def text(self, microseconds: int) -> str:
        """As `datetime.isoformat` writes it. Raises `Leave` for one before 2015 or in the future."""
        if not self._first <= microseconds <= self._last:
            raise Leave
        second, rest = divmod(microseconds, _SECOND)
        text = self._texts.get(second)
        if text is None:
            if len(self._texts) >= _MOST:
                self._texts.clear()
            text = self._texts[second] = (_EPOCH + timedelta(seconds=second)).isoformat()[:19]
        return f"{text}.{rest:06d}+00:00" if rest else f"{text}+00:00"


class Names:
    """Which of the tags of one combination of names are kept, and under which names, in order."""

    __slots__ = ("names", "pick", "places")

    def __init__(self, names: tuple[str, ...], context: Context) -> None:
        found = {name: place for place, name in enumerate(names) if kept(name, context)}
        shorts = sorted((name, short) for name in found if (short := short_key(name)) != name and short)
        for name, short in shorts:
            found.setdefault(short, found[name])
        self.names = tuple(sorted(found))
        self.places = tuple(found[name] for name in self.names)
        self.pick = picker(self.places)


def picker(places: tuple[int, ...]) -> Any:
    """A function from a sequence to the tuple of its items at some places."""
    if not places:
        return lambda _: ()
    if len(places) == 1:
        only = places[0]
        return lambda values: (values[only],)
    return itemgetter(*places)


def kept(name: str, context: Context) -> bool:
    """Whether a field of this name may be a tag."""
    why = refusal(name)
    return why is None or (why == "user" and (name in context.mapped or short_key(name) in context.mapped))


class TagTable:
    """The tags of records whose fields were collected as texts, first found first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.doubtful: set[str] = set()  #: names whose values are looked at one by one
        self._known: dict[tuple[str, ...], Names] = {}

    def sorted(self, raw: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names and values, in the order of the names."""
        key = tuple(raw)
        names = self._known.get(key)
        if names is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            names = self._known[key] = Names(key, self._context)
        return names.names, names.pick(tuple(raw.values()))


def add_scalars(raw: dict[str, str], values: Any, line: bytes) -> None:
    """The scalars of a map that holds tags; the first of two equal names counts."""
    if type(values) is not dict:
        return
    for name, value in values.items():
        kind = type(value)
        if kind is str:
            if value:
                raw.setdefault(name, value)
        elif value is None or kind is dict or kind is list:
            continue
        elif kind is int:
            raw.setdefault(name, str(value))
        elif kind is bool:
            raw.setdefault(name, "true" if value else "false")
        else:
            raw.setdefault(name, canonical.number(exact(line, name, value)))


def add_list(raw: dict[str, str], field: str, values: Any) -> None:
    """As `Tags.add_list`, for lists of texts."""
    if type(values) is not list:
        return
    plain: list[str] = []
    for value in values:
        if type(value) is not str or value.startswith("User-Agent:"):
            continue
        key, _, rest = value.partition(":")
        if rest and (key := key.strip()) and (rest := rest.strip()):
            raw.setdefault(key, rest)
        elif value:
            plain.append(value)
    if plain:
        raw.setdefault(field, ",".join(plain))
