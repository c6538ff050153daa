"""Portkey's open-source gateway: a config JSON that picks a target by the request's metadata.

One condition and one target a group, both named `route/<workflow>/<task_type>`: a fallback over a load
balance. Where units are drawn a second condition, on `metadata.group`, stands before it, for the first that
matches wins. The gateway reports neither a dangling `then` (until a request hits it) nor a misspelt key, so
`lint` does. Portkey resolves no `os.environ/NAME` itself: such a text is a placeholder that whatever loads
the file fills in.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.routing.credentials import find_credentials
from pipelines.routing.policy import CANARY_GROUP, Leg, Policy, PolicyFile, Route
from pipelines.routing.targets.binding import binding_sha256, plain
from pipelines.routing.targets.header import header_of, with_json_header

GROUP = "route/"
DEFAULT = "default"


def render(file: PolicyFile, models: Mapping[str, Mapping[str, Any]]) -> str:
    policy = file.policy
    used = {tier: plain(models[tier]) for tier in dict.fromkeys((*policy.used_tiers, policy.default_tier))}
    document = {
        "strategy": {
            "mode": "conditional",
            "conditions": [
                {"query": {"$and": _query(route, group)}, "then": f"{GROUP}{group}"}
                for route in sorted(policy.routes, key=lambda route: route.match.stratum is None)
                for group in _specific_first(route.groups)
            ],
            "default": DEFAULT,
        },
        "targets": [
            *(_target(group, legs, policy, used) for group, legs in policy.groups.items()),
            {**used[policy.default_tier], "name": DEFAULT},
        ],
    }
    body = json.dumps(document, indent=1, ensure_ascii=False).removeprefix("{\n") + "\n"
    return with_json_header(header_of(file, binding_sha256(used), body), body)


def _specific_first(groups: Mapping[str, Any]) -> list[str]:
    return sorted(groups, key=lambda group: not group.endswith(CANARY_GROUP))


def _query(route: Route, group: str) -> list[dict[str, Any]]:
    wanted = {"workflow": route.match.workflow, "task_type": route.match.task_type}
    if route.match.stratum is not None:
        wanted["stratum"] = route.match.stratum
    if group.endswith(CANARY_GROUP):
        wanted["group"] = CANARY_GROUP.removeprefix("@")
    return [{f"metadata.{key}": {"$eq": value}} for key, value in wanted.items()]


def _target(
    group: str, legs: tuple[Leg, ...], policy: Policy, models: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    name = f"{GROUP}{group}"

    def leaf(leg: Leg, **more: int) -> dict[str, Any]:
        parameters = {key: value for key, value in models[leg.tier].items() if key not in ("weight", "name")}
        return {"name": f"{name}#{leg.label}", **parameters, **more}

    first = [leg for leg in legs if leg.order == 1]
    primary = leaf(first[0])
    if len(first) > 1:
        primary = {
            "name": f"{name}#split",
            "strategy": {"mode": "loadbalance"},
            "targets": [leaf(leg, weight=leg.weight) for leg in first],
        }
    return {
        "name": name,
        "strategy": {"mode": "fallback", "on_status_codes": list(policy.fallback_on)},
        "targets": [primary, *(leaf(leg) for leg in legs if leg.order > 1)],
    }


def parse(text: str) -> dict[str, tuple[Leg, ...]]:
    """Which legs each condition leads to; raises ValueError if it is no such config."""
    try:
        document = json.loads(text)
        targets = {target["name"]: target for target in document["targets"]}
        routes: dict[str, tuple[Leg, ...]] = {}
        for condition in document["strategy"]["conditions"]:
            both = {key: value for part in condition["query"]["$and"] for key, value in part.items()}
            names = [
                both[f"metadata.{name}"]["$eq"]
                for name in ("workflow", "task_type", "stratum")
                if f"metadata.{name}" in both
            ]
            key = "/".join(names)
            if "metadata.group" in both:
                key += f"@{both['metadata.group']['$eq']}"
            routes[key] = tuple(_legs(targets[condition["then"]]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a Portkey config of Outlay's: {type(error).__name__}") from None
    return routes


def _legs(target: Mapping[str, Any]) -> Iterator[Leg]:
    for order, part in enumerate(target["targets"], start=1):
        for leaf in part.get("targets", [part]):
            yield Leg(leaf["name"].rpartition("#")[2].removesuffix("@fallback"), order, leaf.get("weight", 100))


def lint(text: str, policy: Policy) -> list[str]:
    try:
        document = json.loads(text)
        strategy, targets = document["strategy"], document["targets"]
        names = Counter(target["name"] for target in targets)
        thens = [condition["then"] for condition in strategy["conditions"]]
    except (ValueError, KeyError, TypeError):
        return ["not a Portkey config of Outlay's"]
    problems = [f"{hit.where}: a literal secret, expected os.environ/NAME" for hit in find_credentials(document)]
    if set(document) != {"outlay", "strategy", "targets"} or set(strategy) != {
        "mode",
        "conditions",
        "default",
    }:
        problems.append("expected strategy {mode, conditions, default} and targets, no other key")
    problems += [f"target {name}: given {count} times" for name, count in names.items() if count > 1]
    problems += [
        f"condition leads to {then}, which is no target"
        for then in [*thens, strategy.get("default")]
        if then not in names
    ]
    if problems:
        return problems
    try:
        routes = parse(text)
    except ValueError as error:
        return [str(error)]
    for key, legs in routes.items():
        total = sum(leg.weight for leg in legs if leg.order == 1)
        if total != 100:
            problems.append(f"{GROUP}{key}: weights sum to {total}, expected 100")
    for key in routes:
        # a general condition before a specific one takes its requests
        for general in _more_general(key):
            if general in routes and list(routes).index(key) > list(routes).index(general):
                problems.append(f"{GROUP}{key}: stands behind {GROUP}{general} and is never reached")
    if not problems and (len(thens) != len(routes) or routes != policy.groups):
        problems.append("the routes differ from the policy's")
    return problems


def _more_general(group: str) -> list[str]:
    """Groups whose condition holds wherever that of `group` does."""
    key, canary = group.removesuffix(CANARY_GROUP), group.endswith(CANARY_GROUP)
    task = "/".join(key.split("/")[:2])
    found = [key, task] if key != task else [key]
    return [
        name for name in (*found, *([f"{name}{CANARY_GROUP}" for name in found] if canary else [])) if name != group
    ]


def bound_model(parameters: Mapping[str, Any]) -> str | None:
    provider = parameters.get("provider")
    override = parameters.get("override_params")
    model = override.get("model") if isinstance(override, Mapping) else None
    return f"{provider}/{model}" if isinstance(provider, str) and isinstance(model, str) else None


def unenforced(policy: Policy) -> list[str]:
    statuses = ", ".join(str(status) for status in policy.fallback_on)
    strata = ["strata: told by metadata.stratum; a request without it is served as its task type is"]
    return [
        *(strata if policy.by_stratum else []),
        f"fallback: an upstream error other than HTTP {statuses} goes back to the caller",
        "keys: Portkey reads no os.environ/NAME; fill the placeholders in where the config is loaded",
    ]
