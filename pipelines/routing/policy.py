"""The routing policy: which tier serves which (workflow, task type), with canary share and fallbacks.

A route may be for one recorded stratum of a task type, known before the call; requests of other strata are served as
the route of the task type says.

`routing/policy.yaml` as frozen models. It names tiers only; which real model a tier is stands in the target
binding of `outlay.yaml`, so one policy goes to several gateways. Its identity is the SHA-256 of the file's
text, so `sha256sum routing/policy.yaml` shows what a rendered file's header must say.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from pipelines.workspace.words import Name, Strict

FIRST_STEP = 5  #: percent of the requests of a route that a first switch moves
CANARY_GROUP = "@canary"  #: behind a route's key: the group of the units that a canary serves


def _decimal(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number, found true or false")
    return Decimal(repr(value)) if isinstance(value, float) else value


Number = Annotated[Decimal, BeforeValidator(_decimal)]


class Match(Strict):
    workflow: Name
    task_type: Name
    stratum: Name | None = None

    @property
    def task(self) -> str:
        """The task type, and its stratum behind it."""
        return self.task_type if self.stratum is None else f"{self.task_type}/{self.stratum}"


class Canary(Strict):
    """A share of a route's requests on another tier; `up_to` is the approved share that no step may pass."""

    tier: Name
    percent: Annotated[int, Field(ge=1, le=99)]
    up_to: Annotated[int, Field(ge=1, le=100)] | None = None
    #: percent that stays on the old tier at the end, where the approved share is 100: a comparison for later
    hold_back: Annotated[int, Field(ge=1, le=50)] | None = None

    @property
    def approved(self) -> int:
        return self.percent if self.up_to is None else self.up_to

    @model_validator(mode="after")
    def _within(self) -> Canary:
        if self.approved < self.percent:
            raise ValueError(f"percent {self.percent} is past the approved share up_to {self.up_to}")
        return self


class Evidence(Strict):
    """What the approver saw. Shares and retention are numbers from 0 to 1, amounts are dollars."""

    recommendation_id: str
    grade: str | None = None
    reference_model: str | None = None  #: stays the yardstick of later recommendations
    model: str | None = None
    items: Annotated[int, Field(ge=0)] | None = None
    outcomes: Annotated[int, Field(ge=0)] | None = None
    cost_per_outcome_before: Annotated[Number, Field(ge=0)] | None = None
    cost_per_outcome_after: Annotated[Number, Field(ge=0)] | None = None
    quality_delta: Number | None = None
    quality_delta_lo: Number | None = None
    retention: Number | None = None
    retention_low: Number | None = None
    retention_high: Number | None = None
    saving_share: Number | None = None
    saving_low: Number | None = None
    saving_high: Number | None = None
    saving_usd_month: Number | None = None


@dataclass(frozen=True)
class Leg:
    """One way a route's request can take: legs of the lowest order share it by weight, the rest are
    fallbacks.
    """

    tier: str
    order: int
    weight: int

    @property
    def label(self) -> str:
        return self.tier if self.order == 1 else f"{self.tier}@fallback"


class Route(Strict):
    match: Match
    tier: Name
    canary: Canary | None = None
    fallback: tuple[Name, ...] = ()
    #: what a canary's share is drawn from: single requests, by the gateway, or whole units, by the client, which asks
    #: for one of two groups (`pipelines.routing.units`). With `unit` both groups stand, canary or not, so that a
    #: client that still asks for the second one is never refused.
    split: Literal["request", "unit"] = "request"
    locked: bool = False  #: a person's pin: neither recommendations nor rollout steps move it
    owner: str | None = None
    reason: str | None = None
    expires_at: AwareDatetime | None = None
    evidence: Evidence | None = None

    @property
    def key(self) -> str:
        return f"{self.match.workflow}/{self.match.task}"

    @property
    def used(self) -> tuple[str, ...]:
        return (self.tier, *([self.canary.tier] if self.canary else []), *self.fallback)

    @property
    def shares(self) -> dict[str, int]:
        """Percent of the route's requests per tier; sums to 100."""
        if self.canary is None:
            return {self.tier: 100}
        return {self.tier: 100 - self.canary.percent, self.canary.tier: self.canary.percent}

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Of a request whose group nobody chose."""
        return self._legs(self.shares if self.split == "request" else {self.tier: 100})

    @property
    def groups(self) -> dict[str, tuple[Leg, ...]]:
        """What a gateway serves for this route: one group, or two where units are drawn."""
        if self.split == "request":
            return {self.key: self.legs}
        chosen = {self.canary.tier if self.canary else self.tier: 100}
        return {self.key: self.legs, f"{self.key}{CANARY_GROUP}": self._legs(chosen)}

    def _legs(self, shares: dict[str, int]) -> tuple[Leg, ...]:
        first = [Leg(tier, 1, weight) for tier, weight in shares.items()]
        # a tier that takes all of a group is no fallback of its own
        others = [tier for tier in self.fallback if shares.get(tier) != 100]
        return (*first, *(Leg(tier, order, 100) for order, tier in enumerate(others, start=2)))

    @model_validator(mode="after")
    def _distinct(self) -> Route:
        # The stable tier may stand behind its own canary; anything else named twice only repeats a failure.
        if self.canary and self.canary.tier in (self.tier, *self.fallback):
            raise ValueError(f"{self.key}: the canary's tier {self.canary.tier!r} must differ from tier and fallback")
        if len(set(self.fallback)) != len(self.fallback):
            raise ValueError(f"{self.key}: a fallback tier is named twice")
        if self.canary is None and self.tier in self.fallback:
            raise ValueError(f"{self.key}: fallback {self.tier!r} is the route's own tier")
        return self


class Policy(Strict):
    """The whole document; `created_at` of a generated one is its evidence's as-of, so equal evidence, equal
    bytes.
    """

    schema_version: Literal[1] = 1
    policy_id: Name
    version: Annotated[int, Field(ge=1)]
    parent_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    created_at: AwareDatetime
    created_by: Annotated[str, Field(min_length=1)]
    tiers: dict[Name, int] = Field(min_length=1)
    default_tier: Name
    fallback_on: tuple[Annotated[int, Field(ge=400, le=599)], ...] = (408, 429, 500, 502, 503, 504)
    routes: tuple[Route, ...] = ()

    def route(self, key: str) -> Route | None:
        return next((route for route in self.routes if route.key == key), None)

    @property
    def groups(self) -> dict[str, tuple[Leg, ...]]:
        """Every group of every route, in the routes' order: what a rendered file must say."""
        return {name: legs for route in self.routes for name, legs in route.groups.items()}

    @property
    def by_stratum(self) -> tuple[Route, ...]:
        return tuple(route for route in self.routes if route.match.stratum is not None)

    @property
    def used_tiers(self) -> tuple[str, ...]:
        return tuple(tier for tier in self.tiers if any(tier in route.used for route in self.routes))

    @model_validator(mode="after")
    def _consistent(self) -> Policy:
        keys = [route.key for route in self.routes]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"routes: named twice: {', '.join(twice)}")
        for route in self.by_stratum:
            if self.route(f"{route.match.workflow}/{route.match.task_type}") is None:
                raise ValueError(
                    f"routes {route.key}: requests of other strata have no route; "
                    f"add one for {route.match.workflow}/{route.match.task_type}"
                )
        for route in self.routes:
            if unknown := [tier for tier in route.used if tier not in self.tiers]:
                raise ValueError(
                    f"routes {route.key}: unknown tier {unknown[0]!r}, expected one of {sorted(self.tiers)}"
                )
        if self.default_tier not in self.tiers:
            raise ValueError(f"default_tier: unknown tier {self.default_tier!r}, expected one of {sorted(self.tiers)}")
        return self


@dataclass(frozen=True)
class PolicyFile:
    """A policy together with the very text that says it."""

    policy: Policy
    text: str

    @property
    def sha256(self) -> str:
        return sha256(self.text)


def sha256(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def content_sha256(content: bytes | None) -> str | None:
    """Of a file's bytes; None for no file."""
    return None if content is None else sha256(content)
