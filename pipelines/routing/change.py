"""What differs between two policies, route by route, and the document that carries a set of routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from pydantic import ValidationError

from pipelines.routing.policy import Policy, Route
from pipelines.workspace.errors import UsageError
from pipelines.workspace.model import Workspace


@dataclass(frozen=True)
class Change:
    """One route before and after; percent of its requests per tier."""

    route: str
    kind: str  #: canary | approved share | smaller share | expired | split | edited | removed | parameters
    before: Mapping[str, int]
    after: Mapping[str, int]
    approved_share: int | None = None
    recommendation_id: str | None = None
    evidence: Mapping[str, Any] | None = None
    reason: str | None = None

    def document(self) -> dict[str, Any]:
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in asdict(self).items()}


def compare(before: Policy | None, after: Policy) -> tuple[Change, ...]:
    """Every route that differs, for a policy that a person wrote."""
    old = {route.key: route for route in before.routes} if before else {}
    new = {route.key: route for route in after.routes}
    changes = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        evidence = now.evidence if now else None
        changes.append(
            Change(
                key,
                "edited" if now else "removed",
                was.shares if was else {},
                now.shares if now else {},
                now.canary.approved if now and now.canary else None,
                evidence.recommendation_id if evidence else None,
                evidence.model_dump(mode="json", exclude_none=True) if evidence else None,
                now.reason if now else None,
            )
        )
    return tuple(changes)


def next_policy(
    base: Policy | None,
    routes: tuple[Route, ...],
    workspace: Workspace,
    recommendations: Mapping[str, Any],
    live: tuple[int, str | None],
    now: datetime,
) -> Policy:
    """The document around the routes; equal evidence gives equal bytes, so `created_at` is the evidence's
    as-of.
    """
    tiers = {tier.name: tier.rank for tier in sorted(workspace.tiers, key=lambda tier: -tier.rank)}
    as_of = recommendations.get("as_of")
    created = datetime.combine(date.fromisoformat(as_of), datetime.min.time(), UTC) if as_of else now
    document = {
        "policy_id": base.policy_id if base else policy_id(workspace.name),
        "version": live[0] + 1,
        "parent_sha256": live[1],
        "created_at": created,
        "created_by": "outlay",
        "tiers": tiers,
        "default_tier": base.default_tier if base else next(iter(tiers), ""),
        "routes": routes,
        **({"fallback_on": base.fallback_on} if base else {}),
    }
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(
            f"outlay.yaml: tiers no longer fit the live policy: {first['msg'].removeprefix('Value error, ')}"
        ) from None


def policy_id(workspace_name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", workspace_name.lower()).strip("-")[:63] or "outlay"
