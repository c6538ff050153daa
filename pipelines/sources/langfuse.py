"""Kind `langfuse`: traces with their observations, and the observations of the blob storage export."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipelines.sources import canonical, documents
from pipelines.sources.attributes import TABLES
from pipelines.sources.context import Context
from pipelines.sources.envelope import each
from pipelines.sources.formats import Format
from pipelines.sources.ids import provider_id, provider_of_model
from pipelines.sources.record import Parsed, RequestRecord
from pipelines.sources.sampling import FLAG as SAMPLED
from pipelines.sources.sampling import probability
from pipelines.sources.span_attributes import add_attributes
from pipelines.sources.tables import Cells
from pipelines.sources.tags import Tags
from pipelines.sources.usage import INPUT_EXTRAS, OUTPUT_EXTRAS, Tokens
from pipelines.sources.values import Reject, amount, digits, mapping, optional_text, text, utc_text

_CLASSES = {key: name for name, keys in TABLES["langfuse"]["usage"].items() for key in keys}
_CARRIERS = ("attributes", "resourceAttributes", "scope", "tags")
_INPUT = ("input_uncached", "cache_read", "cache_write", "cache_write_long", *INPUT_EXTRAS)
_OUTPUT = ("output_nonreasoning", "output_reasoning", *OUTPUT_EXTRAS)


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """One observation, or one trace with all of its own. Only generations and embeddings are calls.

    In CSV, and in some columns of Parquet, maps and lists are JSON texts.
    """
    line = dict(value) if type(value) is Cells else mapping(value, "line")
    observations = line.get("observations")
    if type(observations) is list:
        trace = mapping(line.get("trace"), "trace")
        return each(observations, lambda value, context: _observation(value, trace, context), context)
    return _observation(line, {}, context)


def _observation(value: Any, trace: dict[str, Any], context: Context) -> tuple[RequestRecord, ...]:
    line = mapping(value, "observation")
    if line.get("type") not in ("GENERATION", "EMBEDDING"):
        context.notes.skipped += 1
        return ()

    def get(snake: str, *others: str) -> Any:
        return next((found for name in (snake, *others) if (found := line.get(name)) is not None), None)

    metadata = _map(get("metadata"))
    attributes = _map(metadata.get("attributes"))
    project = optional_text(get("project_id", "projectId"), "project_id") or ""
    model = optional_text(get("provided_model_name", "providedModelName", "model"), "model")
    failed = line.get("level") == "ERROR"
    spent = _map(get("usage_details", "usageDetails"))
    if not spent:
        spent = _older_usage(get("usage"))
    if model is None or (not spent and not failed):
        if not failed:
            raise Reject("no usage" if model else "no model")
        model = model or "unknown"
    start = utc_text(get("start_time", "startTime"), "start_time", context)
    cost = get("total_cost", "totalCost", "calculated_total_cost", "calculatedTotalCost")
    updated = get("updated_at", "updatedAt")
    record = RequestRecord(
        record_key=f"{project}|{text(line.get('id'), 'id')}",
        request_id=f"{project}|{line['id']}",
        response_id=None,
        time=start,
        provider=_provider(metadata, attributes, model),
        model=model,
        status="error" if failed else "ok",
        latency_ms=_latency(start, get("end_time", "endTime"), context),
        recorded_usd=None if cost is None else amount(cost, "total_cost"),
        recorded_is_estimate=True,
        tags=_tags(line, metadata, attributes, trace, context),
        updated_at=None if updated is None else utc_text(updated, "updated_at", context),
    )
    tokens(spent, context).give(record)
    kept = probability(attributes) or probability(_map(metadata.get("resourceAttributes")))
    if kept is not None:
        record.flags = (*record.flags, f"{SAMPLED}{kept}")
    record.canonical = canonical.of_request(record)
    return (record,)


def tokens(spent: dict[str, Any], context: Context) -> Tokens:
    """`usage_details`: parts that are meant to be disjoint, and their total.

    Where the parts sum to more than the total, and the input alone makes up what the output leaves of it, the
    sender put the details inside the input: they are taken out again.
    """
    found: dict[str, int] = {}
    for key, value in spent.items():
        if key == "total" or value is None:
            continue
        name = _CLASSES.get(key)
        if name is None:
            quantity = digits(value, key)
            if quantity:
                context.notes.unknown["usage_details"] += 1
                found[f"langfuse_{key}"[:64]] = quantity
            continue
        found[name] = found.get(name, 0) + digits(value, key)
    total = spent.get("total")
    flags: list[str] = []
    if total is not None and sum(found.values()) != (total := digits(total, "total")):
        inputs = sum(found.get(name, 0) for name in _INPUT)
        outputs = sum(found.get(name, 0) for name in _OUTPUT)
        first_in, first_out = found.get("input_uncached", 0), found.get("output_nonreasoning", 0)
        flags.append("token_mismatch")
        if first_in + first_out == total or first_in + outputs == total:
            found["input_uncached"] = first_in - (inputs - first_in)
            flags = ["inclusive_semantics"]
        if first_in + first_out == total or inputs + first_out == total:
            found["output_nonreasoning"] = first_out - (outputs - first_out)
            flags = ["inclusive_semantics"]
        if min(found.get("input_uncached", 0), found.get("output_nonreasoning", 0)) < 0:
            raise Reject("usage_details: the parts exceed the total")
    parts = Tokens(known_classes=len(found), flags=flags)
    for name, quantity in found.items():
        if hasattr(parts, name):
            setattr(parts, name, quantity)
        else:
            parts.extras[name] = quantity
    return parts


def _older_usage(value: Any) -> dict[str, Any]:
    usage = mapping(value, "usage")
    if usage.get("unit") not in (None, "TOKENS"):
        raise Reject("usage.unit: expected TOKENS")
    return {name: usage[name] for name in ("input", "output", "total") if usage.get(name) is not None}


def _provider(metadata: dict[str, Any], attributes: dict[str, Any], model: str) -> str:
    for source, name in (
        (attributes, "gen_ai.provider.name"),
        (attributes, "gen_ai.system"),
        (attributes, "llm.provider"),
        (metadata, "ls_provider"),
        (attributes, "ai.model.provider"),
    ):
        named = source.get(name)
        if type(named) is str and named:
            return provider_id(named.split(".chat")[0])
    return provider_of_model(model)


def _latency(start: datetime, end: Any, context: Context) -> int | None:
    try:
        return max(0, round((utc_text(end, "end_time", context) - start).total_seconds() * 1000))
    except Reject:
        return None


def _tags(
    line: dict[str, Any],
    metadata: dict[str, Any],
    attributes: dict[str, Any],
    trace: dict[str, Any],
    context: Context,
) -> dict[str, str]:
    tags = Tags(context)
    tags.add_map({name: value for name, value in metadata.items() if name not in _CARRIERS})
    add_attributes(tags, attributes)
    for named in (metadata.get("tags"), line.get("tags"), trace.get("tags")):
        tags.add_list("tags", _list(named))
    outer = _map(trace.get("metadata"))
    tags.add_map({name: value for name, value in outer.items() if name not in _CARRIERS})
    for name, value in (
        ("name", line.get("name")),
        ("trace_name", line.get("trace_name") or line.get("traceName") or trace.get("name")),
        ("trace_id", line.get("trace_id") or line.get("traceId")),
        ("session_id", line.get("session_id") or line.get("sessionId") or trace.get("sessionId")),
        ("user_id", line.get("user_id") or line.get("userId") or trace.get("userId")),
        ("environment", line.get("environment")),
        ("release", line.get("release") or trace.get("release")),
    ):
        tags.add(name, value)
    return tags.done()


def _list(value: Any) -> Any:
    """A list that may be spelled as a JSON text."""
    return documents.parse(value.encode("utf-8")) if type(value) is str and value[:1] == "[" else value


def _map(value: Any) -> dict[str, Any]:
    """A map that may be spelled as a JSON text; a text that is no map holds no tags."""
    if type(value) is str and value[:1] == "{":
        value = documents.parse(value.encode("utf-8"))
    return value if type(value) is dict else {}


FORMATS = (
    Format(
        kind="langfuse",
        shapes=("json", "csv", "parquet"),
        tokens="disjoint parts with their total, which tells senders that put details inside the input",
        key="(project_id, id); the latest updated_at wins",
        time="start_time, UTC without a zone",
        tags="metadata and tags of observation and trace, trace_name, session_id, environment",
        recorded="estimate",
        parse=parse,
    ),
)
