"""What aggregated sources say: usage buckets and billed amounts. They reconcile, and never add to requests.

A dimension that is None was not grouped by, or is a value of its own (Anthropic's default workspace): nulls
are part of the key. Two figures under one key: the caller decides, as the format's page says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(slots=True)
class MeteredBucket:
    """Tokens that a provider metered over a period, by its own dimensions, in disjoint parts."""

    key: str  #: object, period and every dimension, nulls too
    start: datetime
    end: datetime  #: exclusive
    provider: str
    model: str | None
    requests: int | None  #: None where the report does not count them
    input_uncached: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_long: int = 0
    output: int = 0  #: reasoning inside: reports do not break it out
    extras: Mapping[str, int] = field(default_factory=dict)
    service_tier: str = "standard"
    recorded_usd: Decimal | None = None
    dimensions: Mapping[str, str | None] = field(default_factory=dict)
    flags: tuple[str, ...] = ()  #: incomplete (more pages exist), old_schema, token_mismatch


@dataclass(slots=True)
class BilledAmount:
    """Money that a provider billed over a period, signed, in dollars."""

    key: str
    start: datetime
    end: datetime  #: exclusive
    provider: str
    account: str | None  #: project, workspace or billing account
    item: str | None  #: the line as the provider words it; never parsed for money
    amount_usd: Decimal
    quantity: Decimal | None = None
    unit: str | None = None
    model: str | None = None
    dimensions: Mapping[str, str | None] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    category: str = "usage"  #: usage, purchase, credit, adjustment, tax
    effective_usd: Decimal | None = None  #: amortised (FOCUS's EffectiveCost); never added to `amount_usd`
    bucket: str = ""  #: what a later delivery replaces as a whole, where that is not the period of the row


@dataclass(slots=True)
class OutcomeCount:
    """Outcomes of one workflow and day, where the logs have no unit ids."""

    day: date
    workflow: str
    completed: int
    failed: int
    rejected: int
    value_usd: Decimal | None
    canonical: str = ""


@dataclass(slots=True)
class EmptyBucket:
    """A period that a report covers and names nothing in: what earlier pulls said of it is no longer so. No record."""

    bucket: str  #: of the rows that it would have
    day: date


def bucket_of(kind: str, start: datetime, end: datetime) -> str:
    """What a later pull replaces as a whole: the rows of one object and period."""
    return f"{kind}|{start}|{end}"


Aggregated = MeteredBucket | BilledAmount | OutcomeCount | EmptyBucket
