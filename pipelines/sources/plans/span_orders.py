"""The attributes of a span: where those that count stand is learnt once a sequence of keys.

Spans of one instrumentation name their attributes in the same order again and again. For each order (`Order`) the
places of the fields and of the tags are worked out by the rules of `span_attributes`, and from then on picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.sources import opentelemetry
from pipelines.sources.context import Context
from pipelines.sources.otlp_json import plain
from pipelines.sources.plans.lean import Leave, Names, picker
from pipelines.sources.plans.span_values import listed, odd, tag
from pipelines.sources.sampling import NAMES as SAMPLING
from pipelines.sources.span_attributes import CARRIER, DROPPED, FIELDS, TAG, add_attributes, role
from pipelines.sources.tags import Tags

MOST = 4096
_COUNTS = {name for name, _ in opentelemetry.MODALITIES} | {
    "input", "output", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "reasoning",
}  # fmt: skip
#: fields, names and values of the tags, and whether these were looked at one by one
Read = tuple[dict[str, Any], tuple[str, ...], Sequence[str], bool]


class Order:
    """Where the attributes of one sequence of keys stand. Grain: one instrumentation's usual span."""

    __slots__ = ("carries", "counts", "names", "others", "others_of", "tagged", "texts")

    def __init__(self, keys: tuple[str, ...], context: Context) -> None:
        if len(set(keys)) < len(keys) or not SAMPLING.isdisjoint(keys):
            raise Leave
        first: dict[str, tuple[int, int]] = {}
        for place, key in enumerate(keys):
            if key in FIELDS:
                field, rank = FIELDS[key]
                first[field] = min(first.get(field, (99, 0)), (rank, place))
        #: fields and their places
        self.texts = tuple((field, place) for field, (_, place) in first.items() if field not in _COUNTS)
        self.counts = tuple((field, place) for field, (_, place) in first.items() if field in _COUNTS)
        places = [place for place, key in enumerate(keys) if key not in FIELDS]
        self.carries = any(role(keys[place]) == CARRIER for place in places)
        self.tagged = tuple((place, keys[place]) for place in places if role(keys[place]) == TAG)
        self.names = Names(tuple(key for _, key in self.tagged), context)
        #: attributes that count for nothing, unless they are malformed
        taken = {place for _, place in first.values()}
        self.others = tuple(place for place in range(len(keys)) if place not in taken)
        self.others_of = picker(self.others)


class Attributed:
    """Attributes of the spans of one file."""

    def __init__(self, context: Context) -> None:
        self.doubtful: set[str] = set()  #: names of tags whose values are looked at one by one
        self._context = context
        self._orders: dict[tuple[str, ...], Order] = {}

    def read(self, span: dict[str, Any], line: bytes) -> Read:
        """The attributes of one span. Raises `Leave`, or whatever else is odd about them."""
        entries = listed(span.get("attributes"))
        keys = tuple([entry["key"] for entry in entries])
        order = self._orders.get(keys)
        if order is None:
            if len(self._orders) >= MOST:
                self._orders.clear()
            order = self._orders[keys] = Order(keys, self._context)
        values = [entry["value"] for entry in entries]
        fields: dict[str, Any] = {}
        for field, place in order.texts:
            value = values[place]
            text = value.get("stringValue")
            fields[field] = text if type(text) is str and len(value) == 1 else odd(field, value, line)
        for field, place in order.counts:
            value = values[place]
            text = value.get("intValue")
            if type(text) is str and text.isdecimal() and text.isascii() and len(text) < 16 and len(value) == 1:
                fields[field] = int(text)
            else:
                fields[field] = odd(field, value, line)
        for value in order.others_of(values):
            if "arrayValue" in value or "kvlistValue" in value:
                plain(value)
        tags = None if order.carries else self._usual_tags(order, values)
        if tags is None:
            every = Tags(self._context)
            named = {keys[place]: tag(values[place], line) for place in order.others if role(keys[place]) != DROPPED}
            add_attributes(every, {key: value for key, value in named.items() if value is not None})
            found = sorted(every.done().items())
            return fields, tuple(name for name, _ in found), [value for _, value in found], True
        return fields, order.names.names, tags, False

    def _usual_tags(self, order: Order, values: list[Any]) -> Sequence[str] | None:
        """Values of the tags, all of them texts or whole numbers; None where they are to be looked at one by one."""
        found: list[str] = []
        for place, key in order.tagged:
            ((variant, inner),) = values[place].items()
            if type(inner) is str and inner and variant == "stringValue" and key not in self.doubtful:
                found.append(inner)
            elif variant == "intValue" and (
                type(inner) is int or (inner.isascii() and inner.isdigit() and len(inner) < 20)
            ):
                found.append(str(int(inner)))
            else:
                return None
        return order.names.pick(found)
