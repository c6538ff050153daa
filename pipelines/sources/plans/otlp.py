"""Kind `otlp`, lean: only the attributes that count are looked at, and where they stand is learnt once a key sequence.

Spans of one instrumentation name their attributes in the same order again and again. For each order (`Order`) the
places of the fields and of the tags are worked out by the rules of `span_attributes`, and from then on picked.

Left to the parser of single records: sampled spans, attributes named twice or of unexpected types, times, ids and
counts that are not plain, and every span that is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from pipelines.sources import canonical, opentelemetry
from pipelines.sources.context import Context
from pipelines.sources.ids import bedrock_region, provider_id, provider_of_model
from pipelines.sources.opentelemetry import is_call, leaf_calls, tokens_of
from pipelines.sources.otlp_json import Span, identity, plain, scope_of
from pipelines.sources.plans.collected import REQUEST, SPAN, Collected, said
from pipelines.sources.plans.lean import Instants, Leave, Lines, Names, exact, money, picker
from pipelines.sources.sampling import NAMES as SAMPLING
from pipelines.sources.sampling import probability
from pipelines.sources.span_attributes import (
    CARRIER,
    DROPPED,
    FIELDS,
    SCOPES,
    TAG,
    Attributes,
    add_attributes,
    caches_beside,
    resource_tags,
    role,
)
from pipelines.sources.tags import Tags
from pipelines.sources.tiers import service_tier
from pipelines.sources.values import MAX_COUNT, MAX_TEXT

_MOST = 4096
_ANY = ("", "")
_HEX = "0123456789abcdef"
_MODALITIES = frozenset(name for name, _ in opentelemetry.MODALITIES)
_COUNTS = _MODALITIES | {
    "input", "output", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "reasoning",
}  # fmt: skip


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


class Reader:
    """Lines of one file."""

    def __init__(self, context: Context) -> None:
        self.doubtful: set[str] = set()
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)
        self.resources: list[dict[str, str]] = []
        self._context, self._lines, self._instants = context, Lines(), Instants(context)
        self._orders: dict[tuple[str, ...], Order] = {}
        self._resources: dict[bytes, tuple[int, str]] = {}
        self._providers: dict[str, str] = {}
        self._sampled: dict[str, bool] = {}

    def emptied(self) -> None:
        """Begin a new batch."""
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)

    def read(self, number: int, line: bytes) -> None:
        """Collect all spans of a line, or raise: then nothing of it was collected."""
        document = self._lines.value(line)
        if "resourceSpans" not in document:
            if "resourceMetrics" in document or "resourceLogs" in document:
                return
            raise Leave
        found: list[tuple[dict[str, Any], Any]] = []
        calls = 0
        for entry in _listed(document["resourceSpans"]):
            resource = self._resource(entry)
            scopes = entry["scopeSpans"] if "scopeSpans" in entry else entry.get("instrumentationLibrarySpans")
            for scope in _listed(scopes):
                named = scope_of(scope) if _names_one(scope) else _ANY
                for span in _listed(scope.get("spans")):
                    read = self._attributes(span, line)
                    verdict = is_call(read[0])
                    calls += verdict is not False
                    found.append((span, (read, verdict, resource, named)))
        if calls == 1 and len(found) == 1:  # the usual line
            span, (read, _, resource, named) = found[0]
            self._request(number, line, span, read, resource, named)
            return
        called = self._called(found) if calls > 1 else [verdict is not False for _, (_, verdict, _, _) in found]
        marks = len(self.requests.rows), len(self.spans.rows)
        try:
            for (span, (read, _, resource, named)), is_one in zip(found, called, strict=True):
                if is_one:
                    self._request(number, line, span, read, resource, named)
                else:
                    self._other(number, span, read)
        except BaseException:
            self.requests.cut(marks[0])
            self.spans.cut(marks[1])
            raise

    def _resource(self, entry: dict[str, Any]) -> tuple[int, str]:
        resource = entry.get("resource")
        entries = None if resource is None else resource.get("attributes")
        spelt = orjson.dumps(entries)
        known = self._resources.get(spelt)
        if known is None:
            known = self._resources[spelt] = self._new_resource(entries)
        return known

    def _new_resource(self, entries: Any) -> tuple[int, str]:
        if len(self._resources) >= _MOST:
            self._resources.clear()
        attributes = {}
        for entry in () if entries is None else _listed(entries):
            key = entry["key"]
            if type(key) is not str or key in attributes or key in SAMPLING:
                raise Leave
            attributes[key] = _whole(plain(entry["value"]))
        tags = resource_tags(attributes, self._context)
        self.resources.append(tags)
        return len(self.resources) - 1, canonical.text(tags) if tags else ""

    def _attributes(
        self, span: dict[str, Any], line: bytes
    ) -> tuple[dict[str, Any], tuple[str, ...], Sequence[str], bool]:
        """Fields, names and values of the tags, and whether these are sure."""
        entries = _listed(span.get("attributes"))
        keys = tuple([entry["key"] for entry in entries])
        order = self._orders.get(keys)
        if order is None:
            if len(self._orders) >= _MOST:
                self._orders.clear()
            order = self._orders[keys] = Order(keys, self._context)
        values = [entry["value"] for entry in entries]
        fields: dict[str, Any] = {}
        for field, place in order.texts:
            value = values[place]
            text = value.get("stringValue")
            fields[field] = text if type(text) is str and len(value) == 1 else _odd(field, value, line)
        for field, place in order.counts:
            value = values[place]
            text = value.get("intValue")
            if type(text) is str and text.isdecimal() and text.isascii() and len(text) < 16 and len(value) == 1:
                fields[field] = int(text)
            else:
                fields[field] = _odd(field, value, line)
        for value in order.others_of(values):
            if "arrayValue" in value or "kvlistValue" in value:
                plain(value)
        tags = None if order.carries else self._usual_tags(order, values)
        if tags is None:
            every = Tags(self._context)
            named = {keys[place]: _tag(values[place], line) for place in order.others if role(keys[place]) != DROPPED}
            add_attributes(every, {key: value for key, value in named.items() if value is not None})
            listed = sorted(every.done().items())
            return fields, tuple(name for name, _ in listed), [value for _, value in listed], True
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

    def _ids(self, span: dict[str, Any]) -> tuple[str, str, str | None]:
        trace, own = span["traceId"], span["spanId"]
        if len(trace) != 32 or trace.strip(_HEX) or not trace.strip("0"):
            trace = identity(trace, 32)
        if len(own) != 16 or own.strip(_HEX) or not own.strip("0"):
            own = identity(own, 16)
        if not trace or not own:
            raise Leave
        state = span.get("traceState")
        if state:
            sampled = self._sampled.get(state)
            if sampled is None:
                if len(self._sampled) >= _MOST:
                    self._sampled.clear()
                sampled = self._sampled[state] = probability({}, state) is not None
            if sampled:
                raise Leave
        return trace, own, identity(span.get("parentSpanId"), 16) or None

    def _other(self, number: int, span: dict[str, Any], read: tuple[Any, ...]) -> None:
        status = span.get("status")
        if status is not None and type(status) is not dict:
            raise Leave
        trace, own, parent = self._ids(span)
        start = _nanoseconds(span["startTimeUnixNano"]) // 1000
        self._instants.text(start)
        self.spans.add((number, trace, own, parent, start), read[1], read[2], sure=read[3])

    def _request(
        self, number: int, line: bytes, span: dict[str, Any], read: tuple[Any, ...], resource: tuple[int, Any],
        scope: tuple[str, str],
    ) -> None:  # fmt: skip
        fields, names, values, sure = read
        trace, own, parent = self._ids(span)
        start, end = _nanoseconds(span["startTimeUnixNano"]), span.get("endTimeUnixNano")
        latency = None
        if end is not None and (end := _nanoseconds(end)):
            latency = max(0, end - start) // 1_000_000
            if latency > MAX_COUNT:
                latency = None
        status = span.get("status")
        failed = "error" in fields
        if status is not None:
            if type(status) is not dict:
                raise Leave
            code = status.get("code")
            failed = failed or code == 2 or code == "STATUS_CODE_ERROR"
        model = fields.get("model", "") or ("unknown" if failed else None)
        if "model" in fields and type(fields["model"]) is not str:
            raise Leave
        if type(model) is not str or len(model) > MAX_TEXT:
            raise Leave
        used = "input" in fields or "output" in fields
        if not (used or failed):
            raise Leave
        provider = self._provider(fields.get("provider"), model)
        response = fields.get("response_id") or None
        if response is not None and (type(response) is not str or len(response) > MAX_TEXT):
            raise Leave
        cost = fields.get("cost")
        recorded = None if cost is None else money(line, "cost", cost)
        counts, extras, known, flags = self._counts(fields, caches_beside(scope, provider))
        key = f"{trace}|{own}"
        start //= 1000
        tier = fields.get("tier")
        row = (
            number, key, response or key, response, start, provider, model, "error" if failed else "ok",
            *counts, extras, known, "standard" if tier is None else service_tier(tier),
            bedrock_region(model, None) if provider == "aws" else None, latency, recorded, trace, own, parent, flags,
        )  # fmt: skip
        text = said(row, self._instants.text(start), names, values, resource[1])
        self.requests.add((*row, text), names, values, sure=sure)
        self.requests.resources.append(resource[0])

    def _provider(self, named: Any, model: str) -> str:
        if not named:
            if named is not None and named != "":
                raise Leave
            return provider_of_model(model)
        provider = self._providers.get(named)
        if provider is None:
            if type(named) is not str or len(named) > MAX_TEXT:
                raise Leave
            if len(self._providers) >= _MOST:
                self._providers.clear()
            provider = self._providers[named] = provider_id(named)
        return provider

    def _called(self, found: list[tuple[dict[str, Any], Any]]) -> list[bool]:
        spans = [
            Span(
                identity(span.get("traceId"), 32), identity(span.get("spanId"), 16),
                identity(span.get("parentSpanId"), 16), None, None, False, {}, {}, span,
            )
            for span, _ in found
        ]  # fmt: skip
        return leaf_calls(spans, [Attributes(read[0], Tags(self._context)) for _, (read, _, _, _) in found])

    @staticmethod
    def _counts(fields: dict[str, Any], beside: bool) -> tuple[tuple[int, ...], Any, int, Any]:
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


def _names_one(scope: dict[str, Any]) -> bool:
    """Whether the table `otlp.caches` may know this scope."""
    own = scope.get("scope")
    return own is None or type(own) is not dict or own.get("name") in SCOPES


def _listed(values: Any) -> list[dict[str, Any]]:
    if type(values) is list:
        return values
    if values is None:
        return []
    raise Leave


def _nanoseconds(value: Any) -> int:
    if type(value) is str:
        if not (value.isascii() and value.isdigit()) or len(value) > 20:
            raise Leave
        return int(value)
    if type(value) is not int:
        raise Leave
    return value


def _odd(field: str, value: dict[str, Any], line: bytes) -> Any:
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


def _tag(value: Any, line: bytes) -> Any:
    if type(value) is dict and type(number := value.get("doubleValue")) is float and len(value) == 1:
        return exact(line, "doubleValue", number)
    return _whole(plain(value))


def _whole(value: Any) -> Any:
    """A value without floats. Raises `Leave`."""
    if type(value) is float:
        raise Leave
    if type(value) is list:
        for each in value:
            _whole(each)
    elif type(value) is dict:
        for each in value.values():
            _whole(each)
    return value
