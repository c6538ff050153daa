"""Kind `litellm`, lean: the fields of `litellm.parse_payload`, read from a payload that orjson parsed.

A payload holds some 150 members, of which about 40 count. Costs and times are floating point in the log's own
spelling; they are taken from the line's text. Left to the parser of single records: whatever is refused or odd.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipelines.sources import litellm
from pipelines.sources.context import Context
from pipelines.sources.ids import bedrock_region, provider_id, provider_of_model
from pipelines.sources.litellm import tier_and_place, tokens_of
from pipelines.sources.plans.collected import REQUEST, SPAN, Collected, said
from pipelines.sources.plans.lean import Instants, Leave, Lines, TagTable, add_list, add_scalars, exact, money
from pipelines.sources.tiers import region, service_tier
from pipelines.sources.values import MAX_TEXT, latency

_ZERO = Decimal(0).quantize(Decimal("1e-12"))
_HIT = ("cache_hit",)


class Reader:
    """Lines of one file."""

    def __init__(self, context: Context) -> None:
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)
        self.resources: list[dict[str, str]] = []
        self._context, self._lines, self._instants = context, Lines(), Instants(context)
        self._tags = TagTable(context)
        self.doubtful = self._tags.doubtful

    def emptied(self) -> None:
        """Begin a new batch."""
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)

    def read(self, number: int, line: bytes) -> None:
        """Collect the call of a line, or raise."""
        payload = self._lines.value(line)
        get = payload.get
        start = _microseconds(line, "startTime", payload["startTime"])
        end = get("endTime")
        took = None
        if type(end) is int or type(end) is float:
            gone = _microseconds(line, "endTime", end) - start
            took = latency(Decimal(gone) / 1000) if gone >= 0 else None
        whole = int(start)
        response, key = _optional(get("id")), _optional(get("litellm_call_id"))
        key = key or response
        model = get("model")
        if key is None or type(model) is not str or not model or len(model) > MAX_TEXT:
            raise Leave
        named = _optional(get("custom_llm_provider"))
        provider = provider_id(named) if named else provider_of_model(model)
        metadata = _object(get("metadata"))
        usage = _object(metadata.get("usage_object"))
        breakdown = _object(metadata["cost_breakdown"] if "cost_breakdown" in metadata else get("cost_breakdown"))
        tier, place = tier_and_place(usage, breakdown)
        recorded = money(line, "response_cost", get("response_cost"))
        if get("cache_hit") is True:
            recorded, counts, extras, known, flags = _ZERO, (0,) * 6, None, 0, _HIT
        else:
            tokens = tokens_of(payload, metadata, usage)
            counts, known, flags = tokens.six(), tokens.known_classes, tokens.flags or None
            extras = {name: quantity for name, quantity in tokens.extras.items() if quantity} or None
        row = (
            number, key, response or key, response, whole, provider, model,
            "error" if get("status") == "failure" else "ok", *counts, extras, known, service_tier(tier),
            region(place) or (bedrock_region(model, None) if provider == "aws" else None), took, recorded,
            None, None, None, flags,
        )  # fmt: skip
        names, values, sure = self._tags_of(payload, metadata, line)
        self.requests.add((*row, said(row, self._instants.text(whole), names, values, "")), names, values, sure=sure)

    def _tags_of(
        self, payload: dict[str, Any], metadata: dict[str, Any], line: bytes
    ) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
        raw: dict[str, str] = {}
        add_scalars(raw, metadata.get("spend_logs_metadata"), line)
        requester = metadata.get("requester_metadata")
        if type(requester) is dict:
            if "tags" in requester:
                add_scalars(raw, {name: value for name, value in requester.items() if name != "tags"}, line)
                add_list(raw, "request_tags", requester["tags"])
            else:
                add_scalars(raw, requester, line)
        add_list(raw, "request_tags", payload.get("request_tags"))
        named = dict(litellm.named_tags(payload, metadata))
        add_scalars(raw, named, line)
        alias = metadata.get("user_api_key_alias")
        if type(alias) is str and alias:
            raw["key_alias"] = alias[:256]
        if self.doubtful and not self.doubtful.isdisjoint(raw):
            stated = (*named.values(), *_values(metadata.get("spend_logs_metadata")), *_values(requester))
            if float in map(type, stated):
                raise Leave
            found = sorted(litellm.tags_of(payload, metadata, self._context).items())
            return tuple(name for name, _ in found), tuple(value for _, value in found), True
        return (*self._tags.sorted(raw), False)


def _values(found: Any) -> tuple[Any, ...]:
    return tuple(found.values()) if type(found) is dict else ()


def _object(value: Any) -> dict[str, Any]:
    if type(value) is dict:
        return value
    if value is None:
        return {}
    raise Leave


def _optional(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if type(value) is not str or len(value) > MAX_TEXT:
        raise Leave
    return value


def _microseconds(line: bytes, name: str, value: Any) -> Any:
    """Exact microseconds since 1970: whole ones as `int`, else `Decimal`."""
    if type(value) is int:
        return value * 1_000_000
    if type(value) is not float:
        raise Leave
    return exact(line, name, value) * 1_000_000
