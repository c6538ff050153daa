"""What a source reader hands on: the canonical shapes of everything that can be read from a log.

One shape per family. Readers turn one line (or one JSON document) into these; nothing later knows a
provider's field names. Amounts are `Decimal`, counts are `int`, instants are aware UTC `datetime`.
No shape has a place for prompts, completions, headers or keys: what is not named here, and is not a tag
that `tags.keep` lets through, does not leave the parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pyarrow as pa

#: Money as it is stored: 12 places, one rounding per charge.
MONEY = pa.decimal128(28, 12)
TAGS = pa.map_(pa.string(), pa.string())
QUANTITIES = pa.map_(pa.string(), pa.int64())
INSTANT = pa.timestamp("us", tz="UTC")


@dataclass(slots=True)
class RequestRecord:
    """One call to a provider, as one log reports it. Token counts are disjoint (never overlapping) parts."""

    record_key: str  #: the format's own dedupe key, unique within (source, provider)
    request_id: str  #: the provider's response id where there is one, else `record_key`
    response_id: str | None  #: the provider's response id; joins the same call across sources
    time: datetime  #: start of the call, UTC
    provider: str  #: genai-prices' provider id, through `ids.provider_id`
    model: str  #: as logged
    status: str = "ok"  #: `ok` or `error`
    input_uncached: int = 0
    cache_read: int = 0
    cache_write: int = 0  #: 5 min / 30 min / unknown lifetime
    cache_write_long: int = 0  #: 1 h / 12 h
    output_nonreasoning: int = 0
    output_reasoning: int = 0
    extras: Mapping[str, int] = field(default_factory=dict)  #: further priced classes: web_search, input_audio …
    known_classes: int = (
        0  #: how many of the token classes the record told apart; more beats fewer (one key, two payloads)
    )
    service_tier: str = "standard"
    region: str | None = None  #: only what the price depends on; None = standard or global
    latency_ms: int | None = None
    recorded_usd: Decimal | None = None  #: what the sender says it cost, rounded half-even to 12 places
    recorded_is_estimate: bool = False  #: gateways' estimates: 0 beside tokens means unknown, not free
    units: tuple[tuple[str, Decimal], ...] = ()  #: (unit_id, weight) of a call that serves several units
    tags: Mapping[str, str] = field(default_factory=dict)
    resource_tags: Mapping[str, str] = field(default_factory=dict)  #: looked up last (OpenTelemetry resource)
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    updated_at: datetime | None = None  #: formats that re-export a record: the latest wins before all else
    flags: tuple[str, ...] = ()  #: token_mismatch, exclusive_semantics, cache_hit …
    canonical: str = ""  #: canonical JSON text of what was kept (key order, white space, number spelling gone)


@dataclass(slots=True)
class SpanContext:
    """A span that is no request, kept because its tags are inherited by the requests below it."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    time: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class OutcomeEvent:
    """Something that happened to one unit."""

    event_id: str
    time: datetime
    workflow: str
    unit_id: str
    event: str  #: completed | failed | accepted | rejected
    attempt_id: str | None = None
    value_usd: Decimal | None = None
    quality: Decimal | None = None  #: 0..1
    signal: str | None = None  #: human | label | judge | schema
    parent_workflow: str | None = None
    parent_unit_id: str | None = None
    canonical: str = ""


@dataclass(slots=True)
class Evaluation:
    """A quality mark for one item answered by one model."""

    workflow: str
    task_type: str
    item_id: str
    provider: str
    model: str
    quality: Decimal  #: 0..1
    time: datetime
    signal: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None
    latency_ms: int | None = None
    stratum: str | None = None
    canonical: str = ""


@dataclass(slots=True)
class Score:
    """What a tool says of a call that it names by its trace, span or response: a mark once the call is found."""

    score_key: str  #: unique within the source
    time: datetime
    name: str  #: of the evaluator: an identifier, never a text
    quality: Decimal  #: 0..1
    signal: str | None = None  #: human | label | judge | schema
    trace_id: str | None = None
    span_id: str | None = None  #: or Langfuse's observation
    response_id: str | None = None
    canonical: str = ""

    def said(self) -> dict[str, object]:
        """All but the canonical text itself, without what is not there."""
        names = ("score_key", "time", "name", "quality", "signal", "trace_id", "span_id", "response_id")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(slots=True)
class Quarantined:
    """A record that could not be read. `excerpt` is already masked (see `quarantine.excerpt`)."""

    reason: str
    excerpt: str = ""
    time: datetime | None = None  #: what the record itself says of its time, where that can be read


Parsed = RequestRecord | SpanContext | OutcomeEvent | Evaluation | Score | Quarantined

#: Where the record was read; every family's table starts with these columns.
_ORIGIN = [("source", pa.string()), ("kind", pa.string()), ("file", pa.string()), ("line", pa.int64())]

REQUEST_SCHEMA = pa.schema(
    [
        *_ORIGIN,
        ("record_key", pa.string()),
        ("request_id", pa.string()),
        ("response_id", pa.string()),
        ("time", INSTANT),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("status", pa.string()),
        ("input_uncached", pa.int64()),
        ("cache_read", pa.int64()),
        ("cache_write", pa.int64()),
        ("cache_write_long", pa.int64()),
        ("output_nonreasoning", pa.int64()),
        ("output_reasoning", pa.int64()),
        ("extras", QUANTITIES),
        ("known_classes", pa.int64()),
        ("service_tier", pa.string()),
        ("region", pa.string()),
        ("latency_ms", pa.int64()),
        ("recorded_usd", MONEY),
        ("recorded_is_estimate", pa.bool_()),
        ("units", pa.list_(pa.struct([("unit_id", pa.string()), ("weight", pa.string())]))),
        ("tags", TAGS),
        ("resource_tags", TAGS),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("parent_span_id", pa.string()),
        ("updated_at", INSTANT),
        ("flags", pa.list_(pa.string())),
        ("canonical", pa.string()),
    ]
)
SPAN_SCHEMA = pa.schema(
    [
        *_ORIGIN,
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("parent_span_id", pa.string()),
        ("time", INSTANT),
        ("tags", TAGS),
    ]
)
OUTCOME_SCHEMA = pa.schema(
    [
        *_ORIGIN,
        ("event_id", pa.string()),
        ("time", INSTANT),
        ("workflow", pa.string()),
        ("unit_id", pa.string()),
        ("event", pa.string()),
        ("attempt_id", pa.string()),
        ("value_usd", MONEY),
        ("quality", pa.decimal128(28, 12)),
        ("signal", pa.string()),
        ("parent_workflow", pa.string()),
        ("parent_unit_id", pa.string()),
        ("canonical", pa.string()),
    ]
)
EVALUATION_SCHEMA = pa.schema(
    [
        *_ORIGIN,
        ("workflow", pa.string()),
        ("task_type", pa.string()),
        ("item_id", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("quality", pa.decimal128(28, 12)),
        ("time", INSTANT),
        ("signal", pa.string()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("cost_usd", MONEY),
        ("latency_ms", pa.int64()),
        ("stratum", pa.string()),
        ("canonical", pa.string()),
    ]
)
SCORE_SCHEMA = pa.schema(
    [
        *_ORIGIN,
        ("score_key", pa.string()),
        ("time", INSTANT),
        ("name", pa.string()),
        ("quality", pa.decimal128(28, 12)),
        ("signal", pa.string()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("response_id", pa.string()),
        ("canonical", pa.string()),
    ]
)
