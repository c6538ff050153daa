"""Spans out of OTLP/JSON: protobuf's JSON mapping with OTLP's own exceptions (hex ids, integers as text)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.sources.values import Reject

_INTEGER = re.compile(r"-?[0-9]{1,20}")


@dataclass(slots=True)
class Span:
    """One span as it was sent; `resource` is shared by all spans of one resource."""

    trace_id: str
    span_id: str
    parent_span_id: str
    start: Any  #: nanoseconds, number or text
    end: int | None
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]
    fields: dict[str, Any]
    scope: tuple[str, str] = ("", "")  #: name and version of what recorded it
    fault: str | None = None  #: why the span can't be read; its attributes are empty then


def spans(resources: Any) -> Iterator[Span]:
    """Every span of a list of `resourceSpans`, older envelope names included."""
    for resource in _objects(resources, "resourceSpans"):
        shared = attributes(_object(resource.get("resource"), "resource").get("attributes"))
        scopes = resource.get("scopeSpans", resource.get("instrumentationLibrarySpans"))
        for scope in _objects(scopes, "scopeSpans"):
            named = scope_of(scope)
            for fields in _objects(scope.get("spans"), "spans"):
                yield _span(fields, shared, named)


def scope_of(spans: dict[str, Any]) -> tuple[str, str]:
    """Name and version of the instrumentation scope of an entry of `scopeSpans`; empty where it names none."""
    scope = spans.get("scope", spans.get("instrumentationLibrary"))
    if type(scope) is not dict:
        return "", ""
    name, version = scope.get("name"), scope.get("version")
    return name if type(name) is str else "", version if type(version) is str else ""


def _span(fields: dict[str, Any], shared: dict[str, Any], scope: tuple[str, str]) -> Span:
    fault: str | None = None
    status: Any = None
    found: dict[str, Any] = {}
    try:
        status = _object(fields.get("status"), "status").get("code")
        found = attributes(fields.get("attributes"))
    except Reject as verdict:
        fault = str(verdict)
    end = fields.get("endTimeUnixNano")
    return Span(
        identity(fields.get("traceId"), 32),
        identity(fields.get("spanId"), 16),
        identity(fields.get("parentSpanId"), 16),
        fields.get("startTimeUnixNano"),
        int(end) if type(end) is int or (type(end) is str and end.isascii() and end.isdigit()) else None,
        status == 2 or status == "STATUS_CODE_ERROR",
        found,
        shared,
        fields,
        scope,
        fault,
    )


def attributes(entries: Any) -> dict[str, Any]:
    """A list of key-value entries as a map; the first of two equal keys counts."""
    found: dict[str, Any] = {}
    if entries is None:
        return found
    if type(entries) is not list:
        raise Reject("attributes: expected a list of objects")
    for entry in entries:
        if type(entry) is not dict:
            raise Reject("attributes: expected a list of objects")
        key = entry.get("key")
        if type(key) is str and key not in found:
            wrapped = entry.get("value")
            text = wrapped.get("stringValue") if type(wrapped) is dict else None
            found[key] = text if type(text) is str else plain(wrapped)
    return found


def plain(value: Any) -> Any:
    """An AnyValue as the value that it wraps; bytes, unknown variants and empty values are None."""
    if type(value) is not dict:
        return None
    for variant, inner in value.items():
        if variant == "intValue":
            return int(inner) if type(inner) is str and _INTEGER.fullmatch(inner) else inner
        if variant in ("doubleValue", "boolValue"):
            return inner
        if variant == "arrayValue":
            return [plain(item) for item in _objects(_object(inner, variant).get("values"), variant)]
        if variant == "kvlistValue":
            return attributes(_object(inner, variant).get("values"))
        if variant == "stringValue":
            return inner if type(inner) is str else None
    return None


def identity(value: Any, length: int) -> str:
    """A trace or span id as lower-case hex, from hex or base64; the empty text for none or an invalid one."""
    if type(value) is not str or not value:
        return ""
    if len(value) != length:
        try:
            value = base64.b64decode(value, validate=True).hex()
        except (binascii.Error, ValueError):
            return ""
        if len(value) != length:
            return ""
    lowered = value.lower()
    if not lowered.strip("0") or lowered.strip("0123456789abcdef"):
        return ""
    return lowered


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if type(value) is not dict:
        raise Reject(f"{name}: expected an object")
    return value


def _objects(values: Any, name: str) -> list[dict[str, Any]]:
    if values is None:
        return []
    if type(values) is not list or not all(type(value) is dict for value in values):
        raise Reject(f"{name}: expected a list of objects")
    return values
