"""Which policy governed which moment: the routing audit as a line of phases.

A row holds from its `effective_at` on. What a later row says beats whatever an earlier one had planned for after that,
so a rollback ends a version that was to begin tomorrow. Changes that wait for a merge govern nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.routing.policy import Policy, Route
from pipelines.routing.policy_text import parse_policy

FOREVER = datetime.max.replace(tzinfo=UTC)
APPROVALS = ("approved", "advanced")  #: rows that carry a policy's text


@dataclass(frozen=True)
class Phase:
    """One policy in force in [since, until); `policy` is None where nothing was routed any more."""

    since: datetime
    until: datetime
    version: int
    policy: Policy | None
    event: str  #: applied | rolled_back
    approval: Mapping[str, Any] | None  #: the row that approved it; None after a rollback to nothing

    def route(self, key: str) -> Route | None:
        return self.policy.route(key) if self.policy else None

    def whole(self, day: date, zone: ZoneInfo) -> bool:
        """Whether the policy governed all of the day."""
        return self.since <= midnight(day, zone) and midnight(day + timedelta(days=1), zone) <= self.until


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def phases(rows: Sequence[Mapping[str, Any]]) -> list[Phase]:
    """In order of time; the last one has no end. `rows` are the audit's, in their order."""
    approvals: dict[str, Mapping[str, Any]] = {}
    found: list[tuple[datetime, Mapping[str, Any], Mapping[str, Any] | None]] = []
    for row in rows:
        if row["event"] in APPROVALS:
            approvals[row["policy_sha256"]] = row
        if row["event"] in ("applied", "rolled_back"):
            since = datetime.fromisoformat(row["effective_at"])
            found = [entry for entry in found if entry[0] < since]
            found.append((since, row, approvals.get(row["policy_sha256"] or "")))
    ends = [*(entry[0] for entry in found[1:]), FOREVER] if found else []
    return [
        Phase(since, until, row["version"], _policy(approval), row["event"], approval)
        for (since, row, approval), until in zip(found, ends, strict=True)
    ]


def _policy(approval: Mapping[str, Any] | None) -> Policy | None:
    if approval is None:
        return None
    return parse_policy(approval["policy_text"], f"policy version {approval['version']}").policy


def at(line: Sequence[Phase], moment: datetime) -> Phase | None:
    """The phase that governs a moment; None before the first."""
    return next((phase for phase in reversed(line) if phase.since <= moment), None)
