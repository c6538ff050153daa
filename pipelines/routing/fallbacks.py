"""What stands behind a route's tiers when they fail: every route should have a tier to fall back on.

A policy written from recommendations always has one; a route that a person wrote may not, and then the plan says so.
"""

from __future__ import annotations

from typing import Any

from pipelines.routing.policy import Policy, Route
from pipelines.routing.rendering import excluded, served_models
from pipelines.workspace.model import Workspace


def stands_behind(route: Route) -> tuple[str, ...]:
    """Fallback tiers that some group of the route really has, in their order."""
    return tuple(dict.fromkeys(leg.tier for legs in route.groups.values() for leg in legs if leg.order > 1))


def resilience(policy: Policy) -> list[dict[str, Any]]:
    """Grain: one route, with the tiers that serve it and those behind them."""
    return [
        {"route": route.key, "tiers": list(route.shares), "fallback": list(stands_behind(route))}
        for route in policy.routes
    ]


def unprotected(policy: Policy) -> list[str]:
    """A note for every route behind which nothing stands; none where the policy has a single tier."""
    if len(policy.tiers) < 2:
        return []
    return [
        f"{route.key}: no tier stands behind {' and '.join(route.shares)}, so a failing model fails the request: "
        "name a fallback in the policy"
        for route in policy.routes
        if not stands_behind(route)
    ]


def kept_behind(route: Route, tier: str, wanted: tuple[str, ...], workspace: Workspace) -> tuple[str, ...]:
    """The fallbacks of the route once `tier` alone serves it: those of `wanted`, else the nearest tier, a dearer one
    before a cheaper one, that every target has parameters for and the workflow may use.
    """
    if kept := tuple(dict.fromkeys(other for other in wanted if other != tier)):
        return kept
    ranks = {one.name: one.rank for one in workspace.tiers}
    bound = [
        other for other in ranks
        if other != tier and all(other in target.models for target in workspace.routing.targets)
        and not any(
            served and excluded(workspace, route.match.workflow, served)
            for served in served_models(workspace, other).values()
        )
    ]  # fmt: skip
    if tier not in ranks or not bound:
        return ()
    return (min(bound, key=lambda t: (abs(ranks[t] - ranks[tier]), -ranks[t], t)),)
