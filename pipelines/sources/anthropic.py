"""Kinds `anthropic` (message bodies) and `anthropic-batch` (batch results)."""

from __future__ import annotations

from typing import Any

from pipelines.sources import canonical, usage
from pipelines.sources.attributes import TABLES
from pipelines.sources.context import Context
from pipelines.sources.envelope import instant, unwrap
from pipelines.sources.formats import Format
from pipelines.sources.ids import answered_by
from pipelines.sources.record import RequestRecord
from pipelines.sources.tags import Tags
from pipelines.sources.tiers import region, service_tier
from pipelines.sources.values import Reject, mapping, optional_text, text

_BODY = frozenset(TABLES["anthropic"]["body"])


def parse_message(value: Any, context: Context) -> tuple[RequestRecord]:
    """One message body, bare or wrapped. Bodies hold no time: the wrapper or the file's path gives it."""
    body, beside = unwrap(value, _BODY)
    return (message(body, beside, context),)


def message(body: dict[str, Any], beside: dict[str, Any], context: Context) -> RequestRecord:
    """A call from its message body and the fields beside it."""
    if body.get("type") != "message":
        raise Reject("type: expected a message")
    key = text(body.get("id"), "id")
    if body.get("usage") is None:
        raise Reject("no usage")
    spent = mapping(body.get("usage"), "usage")
    tier = service_tier(spent.get("service_tier"))
    if service_tier(spent.get("speed")) != "standard":
        tier = service_tier(spent.get("speed"))
    time = instant(beside, context)
    tags = Tags(context)
    tags.add_map({name: field for name, field in beside.items() if name not in ("provider", "metadata")})
    tags.add_map(beside.get("metadata"))
    record = RequestRecord(
        record_key=key,
        request_id=key,
        response_id=key,
        time=time,
        provider=answered_by(beside) or _seller(key),
        model=text(body.get("model"), "model"),
        service_tier=tier,
        region=region(spent.get("inference_geo")),
        tags=tags.done(),
    )
    usage.anthropic(spent).give(record)
    record.canonical = canonical.of_request(record)
    return record


def _seller(key: str) -> str:
    """Clouds that serve Anthropic's models mark the ids of their messages."""
    if key.startswith("msg_bdrk_"):
        return "aws"
    return "google" if key.startswith("msg_vrtx_") else "anthropic"


def parse_batch(value: Any, context: Context) -> tuple[RequestRecord]:
    """One line of a batch's results. What failed, expired or was cancelled used no tokens."""
    line = mapping(value, "line")
    result = mapping(line.get("result"), "result")
    outcome = result.get("type")
    custom = optional_text(line.get("custom_id"), "custom_id")
    beside = {name: field for name, field in line.items() if name != "result"}
    if outcome == "succeeded":
        record = message(mapping(result.get("message"), "result.message"), beside, context)
        record.service_tier = "batch"
    elif outcome in ("errored", "canceled", "expired"):
        key = text(custom, "custom_id")
        time = instant(beside, context)
        tags = Tags(context)
        tags.add_map(beside)
        record = RequestRecord(
            record_key=key,
            request_id=key,
            response_id=None,
            time=time,
            provider="anthropic",
            model="",
            status="error",
            service_tier="batch",
            tags=tags.done(),
            flags=("not_executed",),
        )
    else:
        raise Reject("result.type: expected succeeded, errored, canceled or expired")
    record.canonical = canonical.of_request(record)
    return (record,)


_TOKENS = "disjoint: input beside cache reads and writes; thinking inside output; compaction iterations on top"
FORMATS = (
    Format(
        kind="anthropic",
        shapes=("json",),
        tokens=_TOKENS,
        key="message id",
        time="none in the body; `time` beside it, RFC 3339, else the date in the file's path",
        tags="fields beside the body",
        parse=parse_message,
    ),
    Format(
        kind="anthropic-batch",
        shapes=("json",),
        tokens=_TOKENS,
        key="message id, custom_id where there is no message",
        time="as for anthropic",
        tags="custom_id and fields beside the result",
        parse=parse_batch,
    ),
)
