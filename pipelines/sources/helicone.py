"""Kind `helicone`: requests exported by Helicone's CLI or query API."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipelines.sources import canonical, documents
from pipelines.sources.context import Context
from pipelines.sources.envelope import each
from pipelines.sources.formats import Format
from pipelines.sources.ids import provider_id, provider_of_model
from pipelines.sources.record import Parsed, Quarantined, RequestRecord
from pipelines.sources.tables import Cells
from pipelines.sources.tags import Tags
from pipelines.sources.usage import Tokens, parts
from pipelines.sources.values import (
    Reject,
    amount,
    count_or_zero,
    digits,
    latency,
    mapping,
    optional_text,
    text,
    utc_text,
)

_NOT_CACHED = "00000000-0000-0000-0000-000000000000"
_EXCLUSIVE = ("anthropic", "aws")
_COUNTS = (
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_read_tokens", "prompt_cache_write_tokens",
    "prompt_audio_tokens", "completion_audio_tokens",
)  # fmt: skip


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """One request, or the `{"data": […]}` of the query API."""
    if type(value) is Cells:
        return _call(value, context)
    line = mapping(value, "line")
    if type(line.get("data")) is list:
        return each(line["data"], _call, context)
    return _call(line, context)


def _call(value: Any, context: Context) -> tuple[RequestRecord]:
    line = _from_cells(value) if type(value) is Cells else mapping(value, "record")
    # the export tool's CSV names no request, only Helicone's own id of the response
    key = text(line.get("request_id") or line.get("response_id"), "request_id")
    code = line.get("response_status")
    failed = type(code) is int and (code >= 400 or code < 0)
    model = optional_text(line.get("response_model") or line.get("request_model") or line.get("model"), "model")
    if model is None:
        raise Reject("no model")
    named = optional_text(line.get("provider"), "provider")
    provider = provider_id(named) if named else provider_of_model(model)
    if provider == named and named is not None:
        provider = named.lower()
    cost = next((line[name] for name in ("cost", "costUSD", "cost_usd") if line.get(name) is not None), None)
    tags = Tags(context)
    tags.add_map(line.get("request_properties"))
    tags.add_map(line.get("properties"))
    tags.add("request_user_id", line.get("request_user_id"))
    updated = line.get("updated_at")
    record = RequestRecord(
        record_key=key,
        request_id=key,
        response_id=None,
        time=utc_text(line.get("request_created_at"), "request_created_at", context),
        provider=provider,
        model=model,
        status="error" if failed else "ok",
        latency_ms=latency(line.get("delay_ms", line.get("latency"))),
        recorded_usd=None if cost is None else amount(cost, "cost"),
        recorded_is_estimate=True,
        tags=tags.done(),
        updated_at=None if updated is None else utc_text(updated, "updated_at", context),
    )
    if line.get("cache_reference_id") not in (None, "", _NOT_CACHED) or code == "cached":
        record.recorded_usd = Decimal(0)
        record.flags = ("cache_hit",)
    else:
        _tokens(line, provider, failed=failed).give(record)
    record.canonical = canonical.of_request(record)
    return (record,)


def _from_cells(row: Cells) -> dict[str, Any]:
    """A row of the export tool's CSV: numbers are text, properties JSON whose quotes the tool doubles twice."""
    line: dict[str, Any] = dict(row)
    for name in _COUNTS:
        if name in line:
            line[name] = digits(line[name], name)
    for name in ("delay_ms", "latency"):
        if name in line and line[name].isascii() and line[name].isdecimal():
            line[name] = int(line[name])
    code = line.get("response_status", "")
    if code.removeprefix("-").isascii() and code.removeprefix("-").isdecimal():
        line["response_status"] = int(code)
    for name in ("request_properties", "properties"):
        if name in line:
            text = line[name].encode("utf-8")
            found = documents.parse(text)
            if type(found) is Quarantined:
                found = documents.parse(text.replace(b'""', b'"'))
            if type(found) is not dict:
                raise Reject(f"{name}: expected JSON")
            line[name] = found
    return line


def _tokens(line: dict[str, Any], provider: str, *, failed: bool) -> Tokens:
    if line.get("prompt_tokens") is None and line.get("completion_tokens") is None:
        if failed:
            return Tokens()
        raise Reject("no usage")
    total_in = count_or_zero(line.get("prompt_tokens"), "prompt_tokens")
    total_out = count_or_zero(line.get("completion_tokens"), "completion_tokens")
    read = count_or_zero(line.get("prompt_cache_read_tokens"), "prompt_cache_read_tokens")
    write = count_or_zero(line.get("prompt_cache_write_tokens"), "prompt_cache_write_tokens")
    total = line.get("total_tokens")
    flags: list[str] = []
    # Counts follow the provider's body: whether the cache is inside shows in the total, else in who answered.
    beside = total is not None and total == total_in + total_out + read + write
    if read + write and (beside or provider in _EXCLUSIVE or read + write > total_in):
        total_in += read + write
        flags.append("exclusive_semantics")
    elif total is not None and total != total_in + total_out:
        flags.append("token_mismatch")
    tokens = parts(total_in=total_in, read=read, write=write, long=0, total_out=total_out, reasoning=0)
    heard = count_or_zero(line.get("prompt_audio_tokens"), "prompt_audio_tokens")
    said = count_or_zero(line.get("completion_audio_tokens"), "completion_audio_tokens")
    tokens.modality("input_audio", heard, "input_uncached")
    tokens.modality("output_audio", said, "output_nonreasoning")
    tokens.known_classes = 2 + (line.get("prompt_cache_read_tokens") is not None)
    tokens.known_classes += line.get("prompt_cache_write_tokens") is not None
    tokens.flags.extend(flags)
    return tokens


FORMATS = (
    Format(
        kind="helicone",
        shapes=("json", "csv"),
        tokens="as the provider counts: OpenAI inclusive, Anthropic disjoint; the total decides where it can",
        key="request_id; the latest updated_at wins",
        time="request_created_at, UTC",
        tags="request_properties",
        recorded="estimate",
        parse=parse,
    ),
)
