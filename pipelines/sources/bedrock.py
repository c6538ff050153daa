"""Kind `bedrock`: AWS Bedrock model invocation logs, as delivered to S3 or exported from CloudWatch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pipelines.sources import canonical, documents
from pipelines.sources.context import Context
from pipelines.sources.envelope import each
from pipelines.sources.formats import Format
from pipelines.sources.ids import bedrock_region
from pipelines.sources.record import Parsed, RequestRecord
from pipelines.sources.tags import Tags
from pipelines.sources.tiers import service_tier
from pipelines.sources.usage import Tokens
from pipelines.sources.values import (
    Reject,
    count,
    count_or_zero,
    latency,
    mapping,
    optional_text,
    rfc3339,
    text,
)

_ROLE = re.compile(r":assumed-role/([^/]+)/")


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """One log record, or a CloudWatch envelope with several; other log categories are skipped."""
    line = mapping(value, "line")
    events = line.get("logEvents")
    if type(events) is list:
        return each(events, _cloudwatch, context)
    if type(line.get("message")) is str and "schemaType" not in line:
        return _cloudwatch(line, context)
    if line.get("schemaType") != "ModelInvocationLog":
        context.notes.skipped += 1
        return ()
    return (_call(line, context),)


def _cloudwatch(event: Any, context: Context) -> Iterable[Parsed]:
    message = mapping(event, "logEvents").get("message")
    inner = documents.parse(message.encode("utf-8")) if type(message) is str else None
    if type(inner) is not dict:
        raise Reject("message: expected a log record as JSON")
    return parse(inner, context) if "schemaType" in inner else ()


def _call(line: dict[str, Any], context: Context) -> RequestRecord:
    key = text(line.get("requestId"), "requestId")
    model = text(line.get("modelId"), "modelId")
    time = rfc3339(line.get("timestamp"), "timestamp", context)
    failed = line.get("errorCode") is not None
    body = body_of(line)
    record = RequestRecord(
        record_key=key,
        request_id=key,
        response_id=key,
        time=time,
        provider="aws",
        model=model,
        status="error" if failed else "ok",
        service_tier=tier_of(line, model),
        region=bedrock_region(model, optional_text(line.get("region"), "region")),
        latency_ms=latency(duration(body)),
        tags=tags_of(line, body, context),
    )
    tokens_of(line, model, body, failed=failed).give(record)
    record.canonical = canonical.of_request(record)
    return record


def body_of(line: dict[str, Any]) -> Any:
    """What the model answered, where the record holds it: an object, or the events of a stream."""
    return mapping(line.get("output"), "output").get("outputBodyJson")


def tags_of(line: dict[str, Any], body: Any, context: Context) -> dict[str, str]:
    """What the caller put there, then who called and which model answered."""
    tags = Tags(context)
    tags.add_map(line.get("requestMetadata"))
    for name, value in named_tags(line, body):
        tags.add(name, value)
    return tags.done()


def named_tags(line: dict[str, Any], body: Any) -> tuple[tuple[str, Any], ...]:
    """Tags from fields of their own."""
    arn = mapping(line.get("identity"), "identity").get("arn")
    role = _ROLE.search(arn) if type(arn) is str else None
    return (
        ("role", role.group(1) if role else None),
        ("identity_arn", arn),
        ("account_id", line.get("accountId")),
        ("response_model", _answering_model(body)),
    )


def tokens_of(line: dict[str, Any], model: str, body: Any, *, failed: bool) -> Tokens:
    """Disjoint parts of a record's counts."""
    source, sink = mapping(line.get("input"), "input"), mapping(line.get("output"), "output")
    if source.get("inputTokenCount") is None:
        if failed:
            return Tokens()
        raise Reject("no usage")
    total_in = count(source["inputTokenCount"], "inputTokenCount")
    read = count_or_zero(source.get("cacheReadInputTokenCount"), "cacheReadInputTokenCount")
    write = count_or_zero(source.get("cacheWriteInputTokenCount"), "cacheWriteInputTokenCount")
    out = count_or_zero(sink.get("outputTokenCount"), "outputTokenCount")
    flags: list[str] = []
    if "openai." in model and read + write and total_in >= read + write:
        total_in -= read + write  # OpenAI's models on Bedrock count the cache inside the input; all others beside it
        flags.append("inclusive_semantics")
    long, split = _long_lived(body)
    if long > write:
        raise Reject("long-lived cache writes exceed all cache writes")
    known = 2 + ("cacheReadInputTokenCount" in source) + ("cacheWriteInputTokenCount" in source) + 2 * split
    return Tokens(
        input_uncached=total_in,
        cache_read=read,
        cache_write=write - long,
        cache_write_long=long,
        output_nonreasoning=out,
        known_classes=known,
        flags=flags,
    )


def _long_lived(body: Any) -> tuple[int, bool]:
    """Cache writes kept for an hour, and whether the log told lifetimes apart (only the body does)."""
    spent = mapping(_last_usage(body), "usage")
    details = spent.get("cacheDetails")
    if type(details) is list:
        longs = [entry.get("inputTokens") for entry in details if type(entry) is dict and entry.get("ttl") == "1h"]
        return sum(count_or_zero(quantity, "cacheDetails") for quantity in longs), True
    lifetimes = spent.get("cache_creation")
    if type(lifetimes) is dict:
        return count_or_zero(lifetimes.get("ephemeral_1h_input_tokens"), "ephemeral_1h_input_tokens"), True
    return 0, False


def _last_usage(body: Any) -> Any:
    """`usage` of a body; of a stream, the one that tells lifetimes apart (counts there are cumulative)."""
    if type(body) is dict:
        return body.get("usage")
    found = None
    for event in body if type(body) is list else ():
        if type(event) is dict:
            inner = event.get("message")
            spent = event.get("usage") or (inner.get("usage") if type(inner) is dict else None)
            metadata = event.get("metadata")
            spent = spent or (metadata.get("usage") if type(metadata) is dict else None)
            if type(spent) is dict and ("cacheDetails" in spent or "cache_creation" in spent):
                found = spent
    return found


def _answering_model(body: Any) -> str | None:
    """The model that an application inference profile hides, where the body names it."""
    for event in body if type(body) is list else [body]:
        if type(event) is dict:
            inner = event.get("message")
            model = inner.get("model") if type(inner) is dict else event.get("model")
            if type(model) is str:
                return model
    return None


def duration(body: Any) -> Any:
    """Milliseconds as the body states them."""
    for event in body if type(body) is list else [body]:
        if type(event) is dict:
            metrics = event.get("metrics")
            if type(metrics) is dict and metrics.get("latencyMs") is not None:
                return metrics["latencyMs"]
            metrics = event.get("amazon-bedrock-invocationMetrics")
            if type(metrics) is dict and metrics.get("invocationLatency") is not None:
                return metrics["invocationLatency"]
    return None


def tier_of(line: dict[str, Any], model: str) -> str:
    """The service tier that the call asked for."""
    if ":provisioned-model/" in model:
        return "provisioned"
    named = line.get("serviceTier")
    if named is not None:
        return service_tier(named.get("type") if type(named) is dict else named)
    performance = mapping(line.get("performanceConfig"), "performanceConfig").get("latency")
    return service_tier(performance)


FORMATS = (
    Format(
        kind="bedrock",
        shapes=("json",),
        tokens="disjoint, except for OpenAI's models; lifetimes of cache writes only in the body",
        key="requestId",
        time="timestamp, RFC 3339",
        tags="requestMetadata, role of identity.arn",
        parse=parse,
    ),
)
