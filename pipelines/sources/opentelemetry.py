"""Kind `otlp`: GenAI spans in OTLP/JSON, each line one export request (or one object over several lines).

Only leaf model calls are requests. Every other span is handed on as a `SpanContext`, because a call inherits
the tags of the spans above it. Attribute names are data (`attributes.toml`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.sources import canonical, otlp_json
from pipelines.sources.attributes import TABLES
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.ids import bedrock_region, provider_id, provider_of_model
from pipelines.sources.otlp_json import Span
from pipelines.sources.quarantine import excerpt
from pipelines.sources.record import Parsed, Quarantined, RequestRecord, SpanContext
from pipelines.sources.sampling import FLAG as SAMPLED
from pipelines.sources.sampling import TAG as SAMPLING_TAG
from pipelines.sources.sampling import probability
from pipelines.sources.span_attributes import Attributes, caches_beside, has_usage, resource_tags, sort
from pipelines.sources.tiers import service_tier
from pipelines.sources.usage import Tokens, parts
from pipelines.sources.values import ODD, Reject, amount, digits, epoch, latency, mapping, optional_text

_CALLS = frozenset(TABLES["otlp"]["operations"]["calls"])
_VERCEL_CALLS = tuple(TABLES["otlp"]["operations"]["vercel_calls"])
_USAGE = ("input", "output", "cache_read", "cache_write", "reasoning")
MODALITIES = (
    ("input_audio", "input_uncached"),
    ("input_image", "input_uncached"),
    ("input_video", "input_uncached"),
    ("output_audio", "output_nonreasoning"),
    ("output_image", "output_nonreasoning"),
    ("cache_read_audio", "cache_read"),
    ("cache_read_image", "cache_read"),
)


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """All spans of one export request. Lines of metrics or logs are skipped."""
    document = mapping(value, "line")
    resources = document.get("resourceSpans")
    if resources is None:
        if "resourceMetrics" in document or "resourceLogs" in document:
            context.notes.skipped += 1
            return ()
        raise Reject("expected resourceSpans")
    spans = list(otlp_json.spans(resources))
    found = [sort(span.attributes, context) for span in spans]
    called = leaf_calls(spans, found)
    return _parsed(spans, found, called, context)


def _parsed(spans: list[Span], found: list[Attributes], called: list[bool], context: Context) -> Iterator[Parsed]:
    resources: dict[int, dict[str, str]] = {}
    for span, read, is_one in zip(spans, found, called, strict=True):
        try:
            if span.fault is not None:
                raise Reject(span.fault)
            if not is_one:
                other = _context_of(span, read, context)
                if other is not None:
                    yield other
                continue
            shared = resources.get(id(span.resource))
            if shared is None:
                shared = resources[id(span.resource)] = resource_tags(span.resource, context)
            yield _request(span, read, shared, context)
        except Reject as verdict:
            yield Quarantined(str(verdict), excerpt(span.fields))
        except ODD:
            yield Quarantined("not the shape of a span", excerpt(span.fields))


def is_call(fields: dict[str, Any]) -> bool | None:
    """Yes, no, or None where the span does not say what it is and only its usage speaks."""
    operation = fields.get("operation")
    if type(operation) is str:
        return operation in _CALLS
    kind = fields.get("span_kind")
    if type(kind) is str:
        return kind.upper() in ("LLM", "EMBEDDING")
    vercel = fields.get("vercel_operation")
    if type(vercel) is str and vercel.startswith("ai."):
        return vercel.split(" ", 1)[0].endswith(_VERCEL_CALLS)
    request_type = fields.get("request_type")
    if type(request_type) is str:
        return request_type in _CALLS
    return None if fields.get("model") is not None and has_usage(fields) else False


def leaf_calls(spans: list[Span], found: list[Attributes]) -> list[bool]:
    """Which spans are calls of their own: a call above another call of the same document repeats its tokens.

    Two calls with different response ids are two calls, whatever stands above what. A call that has usage
    yields only to a call below it that has usage too.
    """
    verdicts = [is_call(read.fields) for read in found]
    called = [verdict is not False for verdict in verdicts]
    if sum(called) < 2:
        return called
    places = {(span.trace_id, span.span_id): place for place, span in enumerate(spans)}
    for place, span in enumerate(spans):
        if verdicts[place] is False:
            continue
        below = found[place]
        above = places.get((span.trace_id, span.parent_span_id))
        for _ in range(len(spans)):
            if above is None or above == place:
                break
            if called[above] and _repeats(found[above], below, verdicts[above]):
                called[above] = False
            above = places.get((spans[above].trace_id, spans[above].parent_span_id))
    return called


def _repeats(above: Attributes, below: Attributes, verdict: bool | None) -> bool:
    if verdict is None:
        return True
    if above.has_usage() and not below.has_usage():
        return False
    ids = above.fields.get("response_id"), below.fields.get("response_id")
    return None in ids or ids[0] == ids[1]


def _context_of(span: Span, read: Attributes, context: Context) -> SpanContext | None:
    context.notes.skipped += 1
    try:
        time = epoch(span.start, "startTimeUnixNano", 1_000_000_000, context)
    except Reject:
        return None
    if not span.trace_id or not span.span_id:
        return None
    tags = read.tags.done()
    kept = probability(span.attributes, span.fields.get("traceState"))
    if kept is not None:
        tags = {**tags, SAMPLING_TAG: kept}
    return SpanContext(span.trace_id, span.span_id, span.parent_span_id or None, time, tags)


def _request(span: Span, read: Attributes, shared: dict[str, str], context: Context) -> RequestRecord:
    fields = read.fields
    if not span.trace_id or not span.span_id:
        raise Reject("traceId, spanId: expected 16 and 8 bytes as hex or base64")
    start = epoch(span.start, "startTimeUnixNano", 1_000_000_000, context)
    failed = span.failed or fields.get("error") is not None
    model = optional_text(fields.get("model"), "model")
    if not failed and not read.has_usage():
        raise Reject("no usage")
    if model is None:
        if not failed:
            raise Reject("no model")
        model = "unknown"
    named = optional_text(fields.get("provider"), "provider")
    provider = provider_id(named) if named else provider_of_model(model)
    response_id = optional_text(fields.get("response_id"), "response id")
    key = f"{span.trace_id}|{span.span_id}"
    cost = fields.get("cost")
    end = span.end
    record = RequestRecord(
        record_key=key,
        request_id=response_id or key,
        response_id=response_id,
        time=start,
        provider=provider,
        model=model,
        status="error" if failed else "ok",
        service_tier=service_tier(fields.get("tier")),
        region=bedrock_region(model, None) if provider == "aws" else None,
        latency_ms=latency(max(0, end - int(span.start)) // 1_000_000) if end else None,
        recorded_usd=None if cost is None else amount(cost, "cost"),
        recorded_is_estimate=True,
        tags=read.tags.done(),
        resource_tags=shared,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id or None,
    )
    tokens_of(fields, beside=caches_beside(span.scope, provider)).give(record)
    kept = probability(span.attributes, span.fields.get("traceState")) or probability(span.resource)
    if kept is not None:
        record.flags = (*record.flags, f"{SAMPLED}{kept}")
    record.canonical = canonical.of_request(record)
    return record


def tokens_of(fields: dict[str, Any], *, beside: bool) -> Tokens:
    """Disjoint parts; `beside`: this scope leaves the caches out of the input."""

    def number(name: str) -> int:
        value = fields.get(name)
        return 0 if value is None else digits(value, name)

    total_in, read, write, total_out = (
        number("input"),
        number("cache_read"),
        number("cache_write"),
        number("output"),
    )
    short, long = number("cache_write_5m"), number("cache_write_1h")
    flags: list[str] = []
    if "cache_write" not in fields:
        write = short + long
    elif short + long not in (0, write):
        flags.append("token_mismatch")
    if read + write > (0 if beside else total_in):
        # The specification counts caches inside the input; emitters older than it left them out.
        total_in += read + write
        flags.append("exclusive_semantics")
    tokens = parts(
        total_in=total_in,
        read=read,
        write=write,
        long=long,
        total_out=total_out,
        reasoning=number("reasoning"),
    )
    for name, out_of in MODALITIES:
        if name in fields:
            tokens.modality(name, number(name), out_of)
    tokens.known_classes = sum(name in fields for name in _USAGE) + 2 * ("cache_write_1h" in fields)
    tokens.flags.extend(flags)
    return tokens


FORMATS = (
    Format(
        kind="otlp",
        shapes=("json",),
        tokens="inclusive by specification; the table `otlp.caches` names scopes that are not, caches above the input the rest",
        key="(traceId, spanId); also (provider, gen_ai.response.id), as one call may be traced twice",
        time="startTimeUnixNano, nanoseconds",
        tags="span attributes, attributes of the spans above, resource attributes",
        recorded="estimate",
        line_limit=16 << 20,
        parse=parse,
    ),
)
