"""Kind `vertex`: Vertex AI request-response logs (BigQuery export), Gemini and partner models; Gemini bodies."""

from __future__ import annotations

from typing import Any

from pipelines.sources import canonical, documents, usage
from pipelines.sources.context import Context
from pipelines.sources.envelope import instant
from pipelines.sources.formats import Format
from pipelines.sources.ids import answered_by
from pipelines.sources.record import Quarantined, RequestRecord
from pipelines.sources.tags import Tags
from pipelines.sources.usage import Tokens
from pipelines.sources.values import Reject, digits, latency, mapping, optional_text, text, utc_text

_TIERS = {
    "PROVISIONED_THROUGHPUT": "provisioned",
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
}
_MODALITIES = {"AUDIO": "audio", "IMAGE": "image", "VIDEO": "video"}  # documents are priced as text


def parse(value: Any, context: Context) -> tuple[RequestRecord]:
    """One row of the log table; JSON columns may be texts, integers too."""
    line = mapping(value, "line")
    answer = _json(line.get("full_response"), "full_response")
    asked = _json(line.get("full_request"), "full_request")
    taken = mapping(_json(line.get("metadata"), "metadata"), "metadata").get("request_latency")
    time = utc_text(line.get("logging_time"), "logging_time", context)
    model = text(line.get("model"), "model").rpartition("/")[2]
    last = _last(answer)
    request_id = line.get("request_id")
    response_id = optional_text(last.get("responseId") or last.get("id"), "responseId")
    key = str(request_id) if type(request_id) is int else optional_text(request_id, "request_id") or response_id
    if key is None:
        raise Reject("expected request_id")
    failed = last.get("error") is not None
    spent = last.get("usageMetadata")
    tags = Tags(context)
    tags.add_map(mapping(asked, "full_request").get("labels"))
    record = RequestRecord(
        record_key=key,
        request_id=response_id or key,
        response_id=response_id,
        time=time,
        provider="google",
        model=model,
        status="error" if failed else "ok",
        service_tier=_TIERS.get(str(mapping(spent, "usageMetadata").get("trafficType")), "standard"),
        latency_ms=latency(taken),
        tags=tags.done(),
    )
    if spent is not None:
        tokens = gemini(spent)
    elif last.get("usage") is not None:
        tokens = usage.anthropic(last["usage"])
    elif failed:
        tokens = Tokens()
    else:
        raise Reject("no usage")
    tokens.give(record)
    record.canonical = canonical.of_request(record)
    return (record,)


def generation(body: dict[str, Any], beside: dict[str, Any], context: Context) -> RequestRecord:
    """A call from the body of `generateContent` and the fields beside it. Tags are those beside and their labels."""
    key = text(body.get("responseId"), "responseId")
    if body.get("usageMetadata") is None:
        raise Reject("no usage")
    if "time" not in beside and "timestamp" not in beside and body.get("createTime") is not None:
        time = utc_text(body["createTime"], "createTime", context)
    else:
        time = instant(beside, context)
    spent = mapping(body["usageMetadata"], "usageMetadata")
    tags = Tags(context)
    tags.add_map({name: field for name, field in beside.items() if name not in ("provider", "labels", "metadata")})
    tags.add_map(beside.get("metadata"))
    tags.add_map(beside.get("labels"))
    record = RequestRecord(
        record_key=key,
        request_id=key,
        response_id=key,
        time=time,
        provider=answered_by(beside) or "google",
        model=text(body.get("modelVersion"), "modelVersion").rpartition("/")[2],
        service_tier=_TIERS.get(str(spent.get("trafficType")), "standard"),
        tags=tags.done(),
    )
    gemini(spent).give(record)
    record.canonical = canonical.of_request(record)
    return record


def gemini(spent: Any) -> Tokens:
    """`usageMetadata`: the cache is inside the prompt; tool prompts and thoughts are beside the rest.

    Some proxies put thoughts inside the candidates; the total tells which it was.
    """
    spent = mapping(spent, "usageMetadata")

    def number(*names: str) -> int:
        return next((digits(spent[name], name) for name in names if spent.get(name) is not None), 0)

    prompt, cached = number("promptTokenCount"), number("cachedContentTokenCount")
    answer = number("candidatesTokenCount", "responseTokenCount")
    tool, thoughts = number("toolUsePromptTokenCount"), number("thoughtsTokenCount")
    if cached > prompt:
        raise Reject("cachedContentTokenCount exceeds promptTokenCount")
    flags: list[str] = []
    total = spent.get("totalTokenCount")
    if total is not None:
        total = digits(total, "totalTokenCount")
        if thoughts and total == prompt + answer + tool:
            if thoughts > answer:
                raise Reject("thoughtsTokenCount exceeds candidatesTokenCount")
            answer -= thoughts
            flags.append("thoughts_inside")
        elif total != prompt + answer + tool + thoughts:
            flags.append("token_mismatch")
    tokens = Tokens(
        input_uncached=prompt - cached + tool,
        cache_read=cached,
        output_nonreasoning=answer,
        output_reasoning=thoughts,
        known_classes=2 + ("cachedContentTokenCount" in spent) + ("thoughtsTokenCount" in spent),
        flags=flags,
    )
    inside = _modalities(spent.get("promptTokensDetails"))
    for name, quantity in _modalities(spent.get("cacheTokensDetails")).items():
        tokens.modality(f"cache_read_{name}", quantity, "cache_read")
        inside[name] = max(0, inside.get(name, 0) - quantity)
    for name, quantity in inside.items():
        tokens.modality(f"input_{name}", quantity, "input_uncached")
    for name, quantity in _modalities(spent.get("candidatesTokensDetails")).items():
        tokens.modality(f"output_{name}", quantity, "output_nonreasoning")
    return tokens


def _modalities(details: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in details if type(details) is list else ():
        entry = mapping(entry, "TokensDetails")
        name = _MODALITIES.get(str(entry.get("modality")))
        if name is not None:
            found[name] = found.get(name, 0) + digits(entry.get("tokenCount"), "tokenCount")
    return found


def _last(answer: Any) -> dict[str, Any]:
    """The response; of a streamed one the last chunk that has usage, as counts are cumulative."""
    if type(answer) is list:
        chunks = [chunk for chunk in answer if type(chunk) is dict]
        with_usage = [chunk for chunk in chunks if chunk.get("usageMetadata") or chunk.get("usage")]
        return (with_usage or chunks or [{}])[-1]
    return mapping(answer, "full_response")


def _json(value: Any, name: str) -> Any:
    if type(value) is not str:
        return value
    parsed = documents.parse(value.encode("utf-8")) if value else None
    if type(parsed) is Quarantined:
        raise Reject(f"{name}: expected JSON")
    return parsed


FORMATS = (
    Format(
        kind="vertex",
        shapes=("json", "parquet"),
        tokens="Gemini: cache inside the prompt, thoughts and tool prompts beside; Anthropic: disjoint",
        key="request_id, else full_response.responseId",
        time="logging_time, UTC",
        tags="full_request.labels",
        parse=parse,
    ),
)
