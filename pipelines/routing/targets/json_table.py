"""`json`: the plain route table, for a router of one's own. Order 1 shares by weight, higher orders are
fallbacks.

A row with `stratum` is for requests of that recorded difficulty and goes before the task type's row without one.
A route whose units are drawn has two rows, the second with `group: canary` and the percent of units that ask for
it; a client reads that percent here (`pipelines.routing.units`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.routing.credentials import find_credentials
from pipelines.routing.policy import CANARY_GROUP, Leg, Policy, PolicyFile, Route
from pipelines.routing.targets.binding import binding_sha256, plain
from pipelines.routing.targets.header import header_of, with_json_header


def render(file: PolicyFile, models: Mapping[str, Mapping[str, Any]]) -> str:
    policy = file.policy
    used = {tier: plain(models[tier]) for tier in dict.fromkeys((*policy.used_tiers, policy.default_tier))}
    document = {
        "default_tier": policy.default_tier,
        "fallback_on": list(policy.fallback_on),
        "tiers": used,
        "routes": [_row(route, group, legs) for route in policy.routes for group, legs in route.groups.items()],
    }
    body = json.dumps(document, indent=1, ensure_ascii=False).removeprefix("{\n") + "\n"
    return with_json_header(header_of(file, binding_sha256(used), body), body)


def _row(route: Route, group: str, legs: tuple[Leg, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {"workflow": route.match.workflow, "task_type": route.match.task_type}
    if route.match.stratum is not None:
        row["stratum"] = route.match.stratum
    if group.endswith(CANARY_GROUP):
        row |= {"group": CANARY_GROUP.removeprefix("@"), "percent": route.canary.percent if route.canary else 0}
    return {**row, "legs": [{"tier": leg.tier, "order": leg.order, "weight": leg.weight} for leg in legs]}


def parse(text: str) -> dict[str, tuple[Leg, ...]]:
    """The table's legs per route; raises ValueError if it is no such table."""
    try:
        return {
            _key(route) + (f"@{route['group']}" if "group" in route else ""): tuple(
                Leg(leg["tier"], leg["order"], leg["weight"]) for leg in route["legs"]
            )
            for route in json.loads(text)["routes"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a route table of Outlay's: {type(error).__name__}") from None


def _key(row: Mapping[str, Any]) -> str:
    return "/".join(row[name] for name in ("workflow", "task_type", "stratum") if name in row)


def lint(text: str, policy: Policy) -> list[str]:
    try:
        document = json.loads(text)
        routes = parse(text)
    except ValueError:
        return ["not a route table of Outlay's"]
    problems = [f"{hit.where}: a literal secret, expected os.environ/NAME" for hit in find_credentials(document)]
    if unknown := set(document) - {"outlay", "default_tier", "fallback_on", "tiers", "routes"}:
        problems.append(f"unknown keys: {', '.join(sorted(unknown))}")
    if len(routes) != len(document["routes"]):
        problems.append("a route is given twice")
    for key, legs in routes.items():
        if dangling := [leg.tier for leg in legs if leg.tier not in document["tiers"]]:
            problems.append(f"{key}: tier {dangling[0]} has no parameters")
        for order in {leg.order for leg in legs}:
            total = sum(leg.weight for leg in legs if leg.order == order)
            if total != 100:
                problems.append(f"{key}: weights of order {order} sum to {total}, expected 100")
    drawn = {_key(row): row.get("percent") for row in document["routes"] if "group" in row}
    wanted = {r.key: r.canary.percent if r.canary else 0 for r in policy.routes if r.split == "unit"}
    if not problems and (routes != policy.groups or drawn != wanted):
        problems.append("the routes differ from the policy's")
    return problems


def bound_model(parameters: Mapping[str, Any]) -> str | None:
    provider, model = parameters.get("provider"), parameters.get("model")
    if not isinstance(model, str):
        return None
    if isinstance(provider, str):
        return f"{provider}/{model}"
    return model if "/" in model else None


def unenforced(policy: Policy) -> list[str]:
    statuses = ", ".join(str(status) for status in policy.fallback_on)
    said = [f"shares and fallbacks (on HTTP {statuses}): carried out by the router that reads the table, if at all"]
    if policy.by_stratum:
        said.append("strata: the router must look for the row of a request's stratum before the task type's own")
    return said
