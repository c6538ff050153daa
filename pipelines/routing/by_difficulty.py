"""A recommendation that differs by recorded difficulty, as routes: one a stratum that moves, one for all other requests.

The route of the task type goes on serving what no stratum's route takes, on today's tier. Without it a stratum that
nobody has seen yet would be refused by one gateway and sent to the default tier by another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.routing.fallbacks import kept_behind
from pipelines.routing.policy import Match, Route
from pipelines.workspace.model import Workspace

_WHOLE = (
    "retention",
    "retention_low",
    "retention_high",
    "saving_share",
    "saving_low",
    "saving_high",
    "saving_usd_month",
)


def parts(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The item itself; or one like it for each stratum that moves, with `stratum` and the stratum's own figures."""
    if not item.get("strata"):
        return [dict(item)]
    return [
        {**item, **{name: stratum.get(name) for name in _WHOLE}, "strata": None, **stratum}
        for stratum in item["strata"]
        if stratum["decision"] == "switch"
    ]


def key_of(item: Mapping[str, Any]) -> str:
    """The key of the route that an item, or a part of one, is about."""
    return "/".join(item[name] for name in ("workflow", "task_type", "stratum") if item.get(name))


def in_the_way(item: Mapping[str, Any], routes: Mapping[str, Route], stable: str) -> str | None:
    """Why what stands can't become this: routes for all of a task type and for its strata don't move at once."""
    whole = f"{item['workflow']}/{item['task_type']}"
    route = routes.get(whole)
    if item.get("strata"):
        if route is not None and route.locked:
            return f"locked by {route.owner or 'a person'}: {route.reason or 'no reason given'}"
        if route is not None and (route.canary or route.tier != stable):
            return "a route for all of the task type moves requests; roll it back or let it end before it is split by difficulty"
        return None
    if any(key.startswith(f"{whole}/") for key in routes):
        return "routes by difficulty stand; take them out of the policy before all of the task type moves"
    return None


def others(item: Mapping[str, Any], stable: str, workspace: Workspace) -> Route:
    """The route of the task type: today's tier, for whatever no stratum's route takes."""
    workflow = workspace.workflows.get(item["workflow"])
    route = Route(
        match=Match(workflow=item["workflow"], task_type=item["task_type"]),
        tier=stable,
        owner=workflow.owner if workflow else None,
        reason="what no route by difficulty takes stays as it is",
        split=(workflow.split if workflow else None) or "request",
    )
    return route.model_copy(update={"fallback": kept_behind(route, stable, (), workspace)})
