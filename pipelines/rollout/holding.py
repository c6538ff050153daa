"""Is the split holding? The mart `adherence` over a few days, told by route and version.

    off = Σ over tiers max(0, requests − declared share × all)        held = 1 − off ÷ all

A route holds while every tier's requests of the whole time lie within the band of that many lots; what it leaks is the
sum of its days. The review, the dashboard and `route status` all tell it from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipelines.rollout.adherence import band


@dataclass
class Kept:
    """One route under one version: requests by tier against the declared shares."""

    workflow: str
    task_type: str
    policy_version: int
    declared: dict[str, Fraction]
    falls_back: frozenset[str]
    requests: int = 0
    drawn: int = 0
    served: dict[str, int] = field(default_factory=dict)
    leak_usd: Decimal | None = Decimal(0)  #: None where some day's is unknown

    @property
    def key(self) -> str:
        return f"{self.workflow}/{self.task_type}"

    @property
    def off(self) -> Fraction:
        """Requests past their tier's share."""
        return sum(
            (max(n - self.declared[t] * self.requests, Fraction(0)) for t, n in self.served.items()), Fraction(0)
        )

    @property
    def held(self) -> Fraction:
        return 1 - self.off / self.requests

    @property
    def observed(self) -> dict[str, Fraction]:
        return {tier: Fraction(count, self.requests) for tier, count in self.served.items() if count}

    @property
    def holds(self) -> bool:
        for tier, count in self.served.items():
            low, high = band(self.declared[tier], self.drawn, tier in self.falls_back)
            if not low <= Fraction(count, self.requests) <= high:
                return False
        return True


def holding(rows: Iterable[Mapping[str, Any]]) -> list[Kept]:
    """From rows of the mart, by route and version; a version that came back with other shares is another one."""
    days: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        day = tuple(row[name] for name in ("workflow", "task_type", "policy_version", "since", "day"))
        days.setdefault(day, []).append(row)
    found: dict[tuple[Any, ...], Kept] = {}
    for (workflow, task_type, version, *_), tiers in days.items():
        shares = {row["tier"]: Fraction(row["declared_share"]) for row in tiers}
        key = (workflow, task_type, version, frozenset((tier, share) for tier, share in shares.items() if share))
        one = found.setdefault(key, Kept(workflow, task_type, version, {}, frozenset()))
        one.declared |= shares
        one.falls_back |= {row["tier"] for row in tiers if row["falls_back"]}
        one.requests += tiers[0]["route_requests"]
        one.drawn += tiers[0]["drawn"]
        for row in tiers:
            one.served[row["tier"]] = one.served.get(row["tier"], 0) + row["requests"]
            known = one.leak_usd is not None and row["leak_usd"] is not None
            one.leak_usd = one.leak_usd + row["leak_usd"] if known else None
    return [found[key] for key in sorted(found, key=lambda key: (*key[:3], sorted(key[3])))]
