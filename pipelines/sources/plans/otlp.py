"""Kind `otlp`, lean: only the attributes that count are looked at (`span_orders`), and each resource once.

Left to the parser of single records: sampled spans, attributes named twice or of unexpected types, times, ids and
counts that are not plain, and every span that is refused.
"""

from __future__ import annotations

from typing import Any

import orjson

from pipelines.sources import canonical
from pipelines.sources.context import Context
from pipelines.sources.ids import bedrock_region, provider_id, provider_of_model
from pipelines.sources.opentelemetry import is_call, leaf_calls
from pipelines.sources.otlp_json import Span, identity, scope_of
from pipelines.sources.plans.collected import REQUEST, SPAN, Collected, said
from pipelines.sources.plans.lean import Instants, Leave, Lines, money
from pipelines.sources.plans.span_orders import MOST, Attributed, Read
from pipelines.sources.plans.span_values import alone, counts, listed, nanoseconds, whole
from pipelines.sources.sampling import NAMES as SAMPLING
from pipelines.sources.sampling import probability
from pipelines.sources.span_attributes import SCOPES, Attributes, caches_beside, resource_tags
from pipelines.sources.tags import Tags
from pipelines.sources.tiers import service_tier
from pipelines.sources.values import MAX_COUNT, MAX_TEXT

_ANY = ("", "")
_HEX = "0123456789abcdef"


class Reader:
    """Lines of one file."""

    def __init__(self, context: Context) -> None:
        self._attributed = Attributed(context)
        self.doubtful = self._attributed.doubtful
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)
        self.resources: list[dict[str, str]] = []
        self._context, self._lines, self._instants = context, Lines(), Instants(context)
        self._resources: dict[bytes, tuple[int, str]] = {}
        self._providers: dict[str, str] = {}
        self._sampled: dict[str, bool] = {}

    def emptied(self) -> None:
        """Begin a new batch."""
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)
        if len(self.resources) > MOST:
            self.resources = []
            self._resources.clear()

    def read(self, number: int, line: bytes) -> None:
        """Collect all spans of a line, or raise: then nothing of it was collected."""
        document = self._lines.value(line)
        if document.get("resourceSpans") is None:
            if "resourceMetrics" in document or "resourceLogs" in document:
                return
            raise Leave
        found: list[tuple[dict[str, Any], Any]] = []
        calls = 0
        for entry in listed(document["resourceSpans"]):
            resource = self._resource(entry)
            scopes = entry["scopeSpans"] if "scopeSpans" in entry else entry.get("instrumentationLibrarySpans")
            for scope in listed(scopes):
                named = scope_of(scope) if _names_one(scope) else _ANY
                for span in listed(scope.get("spans")):
                    read = self._attributed.read(span, line)
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
        if len(self._resources) >= MOST:
            self._resources.clear()
        attributes = {}
        for entry in () if entries is None else listed(entries):
            key = entry["key"]
            if type(key) is not str or key in attributes or key in SAMPLING:
                raise Leave
            attributes[key] = whole(alone(entry["value"]))
        tags = resource_tags(attributes, self._context)
        self.resources.append(tags)
        return len(self.resources) - 1, canonical.text(tags) if tags else ""

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
                if len(self._sampled) >= MOST:
                    self._sampled.clear()
                sampled = self._sampled[state] = probability({}, state) is not None
            if sampled:
                raise Leave
        return trace, own, identity(span.get("parentSpanId"), 16) or None

    def _other(self, number: int, span: dict[str, Any], read: Read) -> None:
        status = span.get("status")
        if status is not None and type(status) is not dict:
            raise Leave
        trace, own, parent = self._ids(span)
        start = nanoseconds(span["startTimeUnixNano"]) // 1000
        self._instants.text(start)
        self.spans.add((number, trace, own, parent, start), read[1], read[2], sure=read[3])

    def _request(
        self, number: int, line: bytes, span: dict[str, Any], read: Read, resource: tuple[int, Any],
        scope: tuple[str, str],
    ) -> None:  # fmt: skip
        fields, names, values, sure = read
        trace, own, parent = self._ids(span)
        start, end = nanoseconds(span["startTimeUnixNano"]), span.get("endTimeUnixNano")
        latency = None
        if end is not None and (end := nanoseconds(end)):
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
        parts, extras, known, flags = counts(fields, caches_beside(scope, provider))
        key = f"{trace}|{own}"
        start //= 1000
        tier = fields.get("tier")
        row = (
            number, key, response or key, response, start, provider, model, "error" if failed else "ok",
            *parts, extras, known, "standard" if tier is None else service_tier(tier),
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
            if len(self._providers) >= MOST:
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


def _names_one(scope: dict[str, Any]) -> bool:
    """Whether the table `otlp.caches` may know this scope."""
    own = scope.get("scope")
    return own is None or type(own) is not dict or own.get("name") in SCOPES
