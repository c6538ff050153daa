"""What the model reads: reports of calls, outcome events, spans above calls, and the declarations of a
workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
TOKEN_CLASSES = ("input", "cache_read", "cache_write", "cache_write_long", "output", "reasoning")


class Refused(Exception):
    """A record that no reader may take."""


@dataclass
class Report:
    """One call as one log reports it; `tokens` are disjoint but for `reasoning`, which is inside `output`."""

    source: str
    kind: str
    key: str
    request_id: str
    response_id: str | None
    time: datetime
    provider: str
    model: str
    status: str
    tokens: dict[str, int]
    tier: str = "standard"
    recorded: Fraction | None = None  #: to 12 places
    estimate: bool = False
    units: dict[str, Fraction] | None = None  #: weight by unit id
    tags: dict[str, str] = field(default_factory=dict)
    resource_tags: dict[str, str] = field(default_factory=dict)
    span: tuple[str, str, str | None] | None = None  #: trace, span, parent
    known: int = 0  #: token classes told apart, for the formats where that decides
    text: str = ""  #: canonical JSON

    @property
    def total_input(self) -> int:
        return sum(self.tokens[name] for name in ("input", "cache_read", "cache_write", "cache_write_long"))


@dataclass
class Event:
    event_id: str
    time: datetime
    workflow: str
    unit: str
    event: str
    attempt: str | None
    value: Fraction | None
    text: str


@dataclass
class World:
    """A workspace's declarations, as the model needs them."""

    zone: ZoneInfo
    sources: list[dict[str, Any]]
    workflows: dict[str, dict[str, Any]]
    tags: dict[str, list[str]]
    assign: list[dict[str, Any]]
    tiers: dict[str, str]  #: provider/model -> tier
    contract: dict[str, Any] = field(default_factory=dict)  #: rates.yaml as it stands

    def day(self, time: datetime) -> date:
        return time.astimezone(self.zone).date()

    def priority(self, source: str) -> int:
        return next(s.get("priority", 0) for s in self.sources if s["name"] == source)


def half_even(amount: Fraction, places: int = 12) -> Fraction:
    """Rounded to decimal places, halves to the even neighbour."""
    scaled = amount * 10**places
    return Fraction(round(scaled), 10**places)  # round() of a Fraction goes half to even


def money(amount: Fraction | None) -> str:
    """An amount as text with 12 places; empty for an unknown one."""
    if amount is None:
        return ""
    units = half_even(amount) * 10**12
    return f"{EXACT.create_decimal(units.numerator).scaleb(-12, EXACT):f}"


def plain(amount: Fraction) -> str:
    """An exact decimal without trailing zeros."""
    value = EXACT.divide(Decimal(amount.numerator), Decimal(amount.denominator))
    return f"{value.normalize(EXACT):f}" if value else "0"
