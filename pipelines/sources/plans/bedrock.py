"""Kind `bedrock`, lean: the fields of `bedrock.parse`, read from a log record that orjson parsed.

Left to the parser of single records: envelopes of CloudWatch, other log categories, durations with a fraction, and
whatever is refused or odd.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.sources import bedrock
from pipelines.sources.context import Context
from pipelines.sources.ids import bedrock_region
from pipelines.sources.plans.collected import REQUEST, SPAN, Collected, said
from pipelines.sources.plans.lean import Leave, Lines, TagTable, add_scalars
from pipelines.sources.values import MAX_TEXT, rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 4096


class Reader:
    """Lines of one file."""

    def __init__(self, context: Context) -> None:
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)
        self.resources: list[dict[str, str]] = []
        self._context, self._lines = context, Lines()
        self._tags = TagTable(context)
        self.doubtful = self._tags.doubtful
        self._times: dict[str, tuple[int, str]] = {}

    def emptied(self) -> None:
        """Begin a new batch."""
        self.requests, self.spans = Collected(REQUEST), Collected(SPAN)

    def read(self, number: int, line: bytes) -> None:
        """Collect the call of a line, or raise."""
        record = self._lines.value(line)
        get = record.get
        if record["schemaType"] != "ModelInvocationLog" or type(get("logEvents")) is list:
            raise Leave
        key, model = record["requestId"], record["modelId"]
        if (
            type(key) is not str
            or not 0 < len(key) <= MAX_TEXT
            or type(model) is not str
            or not 0 < len(model) <= MAX_TEXT
        ):
            raise Leave
        time, spelt = self._time(record["timestamp"])
        failed = get("errorCode") is not None
        body = bedrock.body_of(record)
        place = get("region")
        if place is not None and (type(place) is not str or len(place) > MAX_TEXT):
            raise Leave
        tokens = bedrock.tokens_of(record, model, body, failed=failed)
        took = bedrock.duration(body)
        if type(took) is float:
            raise Leave
        row = (
            number, key, key, key, time, "aws", model, "error" if failed else "ok", *tokens.six(), None,
            tokens.known_classes, bedrock.tier_of(record, model), bedrock_region(model, place or None),
            bedrock.latency(took), None, None, None, None, tokens.flags or None,
        )  # fmt: skip
        names, values, sure = self._tags_of(record, body, line)
        self.requests.add((*row, said(row, spelt, names, values, "")), names, values, sure=sure)

    def _time(self, stated: str) -> tuple[int, str]:
        known = self._times.get(stated)
        if known is None:
            if len(self._times) >= _MOST:
                self._times.clear()
            instant = rfc3339(stated, "timestamp", self._context)
            known = self._times[stated] = (instant - _EPOCH) // timedelta(microseconds=1), instant.isoformat()
        return known

    def _tags_of(self, record: dict[str, Any], body: Any, line: bytes) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
        raw: dict[str, str] = {}
        add_scalars(raw, record.get("requestMetadata"), line)
        named = dict(bedrock.named_tags(record, body))
        add_scalars(raw, named, line)
        if self.doubtful and not self.doubtful.isdisjoint(raw):
            stated = record.get("requestMetadata")
            if float in map(type, (*named.values(), *(stated.values() if type(stated) is dict else ()))):
                raise Leave
            found = sorted(bedrock.tags_of(record, body, self._context).items())
            return tuple(name for name, _ in found), tuple(value for _, value in found), True
        return (*self._tags.sorted(raw), False)
