"""Model calls out of OTLP/JSON spans, with the tags that they inherit from the spans above them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.reference.files import canonical
from tests.reference.readers import provider, tags_of
from tests.reference.shapes import Refused, Report

CALLS = ("chat", "text_completion", "generate_content", "embeddings")
#: What each count is called, today's name first.
NAMES = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "read": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
    "write": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    "long": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "reasoning": ("gen_ai.usage.reasoning.output_tokens",),
}


@dataclass
class Trees:
    """Spans that are no calls, by (trace, span): what they carry and what stands above them."""

    above: dict[tuple[str, str], tuple[str | None, dict[str, str]]] = field(default_factory=dict)
    roots: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)  #: trace -> span -> tags

    def add(self, trace: str, span: str, parent: str | None, tags: dict[str, str]) -> None:
        self.above[trace, span] = (parent, tags)
        if not parent:
            self.roots.setdefault(trace, {})[span] = tags

    def carriers(self, report: Report) -> list[dict[str, str]]:
        """Tags of the spans above a call, nearest first, then those of the trace's roots."""
        if report.span is None:
            return []
        trace, _, parent = report.span
        found: list[dict[str, str]] = []
        while parent and (trace, parent) in self.above:
            parent, tags = self.above[trace, parent]
            found.append(tags)
        return found + [tags for _, tags in sorted(self.roots.get(trace, {}).items())]


def _plain(value: dict[str, Any]) -> Any:
    if "intValue" in value:
        return int(value["intValue"])
    return next((value[k] for k in ("stringValue", "boolValue", "doubleValue") if k in value), None)


def _attributes(entries: Any) -> dict[str, Any]:
    return {entry["key"]: _plain(entry["value"]) for entry in entries or []}


def read(value: dict[str, Any], source: str, trees: Trees) -> list[Report]:
    """The calls of one export; its other spans are put into `trees`."""
    found: list[Report] = []
    for resource in value.get("resourceSpans", []):
        shared = tags_of(_attributes(resource.get("resource", {}).get("attributes")))
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                attributes = _attributes(span.get("attributes"))
                if attributes.get("gen_ai.operation.name") in CALLS:
                    found.append(_call(span, attributes, shared, source))
                else:
                    parent = span.get("parentSpanId") or None
                    trees.add(span["traceId"].lower(), span["spanId"].lower(), parent, tags_of(attributes))
    return found


def _call(span: dict[str, Any], attributes: dict[str, Any], shared: dict[str, str], source: str) -> Report:
    number = {
        k: next((attributes[n] for n in names if attributes.get(n) is not None), None) for k, names in NAMES.items()
    }
    counts = {k: v or 0 for k, v in number.items()}
    failed = span.get("status", {}).get("code") == 2 or "error.type" in attributes
    if not failed and number["input"] is None and number["output"] is None:
        raise Refused("no usage")
    total = counts["input"]
    if counts["read"] + counts["write"] > total:  # an emitter older than the specification left the cache out
        total += counts["read"] + counts["write"]
    trace, own, parent = span["traceId"].lower(), span["spanId"].lower(), span.get("parentSpanId") or None
    response = attributes.get("gen_ai.response.id")
    started = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(span["startTimeUnixNano"]) // 1000)
    return Report(
        source,
        "otlp",
        f"{trace}|{own}",
        response or f"{trace}|{own}",
        response,
        started,
        provider(attributes["gen_ai.provider.name"]),
        attributes.get("gen_ai.response.model") or attributes["gen_ai.request.model"],
        "error" if failed else "ok",
        {
            "input": total - counts["read"] - counts["write"],
            "cache_read": counts["read"],
            "cache_write": counts["write"] - counts["long"],
            "cache_write_long": counts["long"],
            "output": counts["output"],
            "reasoning": counts["reasoning"],
        },
        tags=tags_of(attributes),
        resource_tags=shared,
        span=(trace, own, parent),
        estimate=True,
        known=sum(v is not None for v in number.values()) + (number["long"] is not None),
        text=canonical([span, shared]),
    )
