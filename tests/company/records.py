"""What happened, before any log format: calls to a provider, outcomes of units, evaluations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2s

from tests.reference.prices import list_rate


def digest(*parts: object, size: int = 12) -> str:
    """A hex id that depends on nothing but its parts."""
    return blake2s("|".join(map(str, parts)).encode(), digest_size=size).hexdigest()


@dataclass(slots=True)
class Call:
    """One call to a provider. Token counts are disjoint but for `reasoning`, which is inside `output`."""

    key: str  #: unique, and the seed of every id that a log shows
    time: datetime
    source: str  #: traces, gateway, calls, batch
    provider: str
    model: str
    workflow: str | None
    task: str | None
    unit: str | None
    attempt: str | None
    team: str
    uncached: int = 0
    read: int = 0
    write: int = 0
    write_long: int = 0
    output: int = 0
    reasoning: int = 0
    tier: str = "standard"
    status: str = "ok"
    latency_ms: int = 0
    units: tuple[tuple[str, str], ...] = ()  #: (unit, weight)
    recorded: Decimal | None = None
    route: str | None = None  #: the model group that was asked for, where a policy routes the task
    stratum: str | None = None
    marks: set[str] = field(default_factory=set)  #: which planted kinds this call belongs to

    @property
    def total_input(self) -> int:
        return self.uncached + self.read + self.write + self.write_long

    @property
    def response_id(self) -> str:
        if self.provider == "openai":
            return f"chatcmpl-{digest(self.key, 'response')}"
        return f"msg_01{digest(self.key, 'response', size=11)}"

    @property
    def list_cost(self) -> Fraction | None:
        """What the call costs at list price; None where a token class has no list price."""
        total = Fraction(0)
        for name, quantity in (
            ("input", self.uncached),
            ("cache_read", self.read),
            ("cache_write", self.write),
            ("cache_write_long", self.write_long),
            ("output", self.output),
        ):
            if quantity:
                rate = list_rate(self.provider, self.model, name, self.tier, self.time, self.total_input)
                if rate is None:
                    return None
                total += rate * quantity
        return total


@dataclass(slots=True)
class Event:
    """Something that happened to a unit; `written` is when its line reached the log."""

    event_id: str
    time: datetime
    written: datetime
    workflow: str
    unit: str
    event: str
    attempt: str | None = None
    value: Decimal | None = None
    signal: str | None = None
    marks: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Mark:
    """A quality mark for one item answered by one model."""

    workflow: str
    task: str
    item: str
    model: str  #: provider/model
    quality: int
    time: datetime
    signal: str
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    latency_ms: int
