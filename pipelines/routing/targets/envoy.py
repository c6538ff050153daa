"""Envoy AI Gateway: AIGatewayRoutes that match our own headers, for a cluster that Git drives.

One rule a group, matched by `x-workflow` and `x-task-type` (and `x-stratum` where a route is for one recorded
difficulty, `x-group` where units are drawn: of the rules that match, the one with more headers wins). Weights share a priority; the next priority is tried when the one before
failed, which needs a BackendTrafficPolicy on the HTTPRoute that the gateway makes under the route's name. A route
object holds 15 rules, so there are as many objects as it takes. A tier's parameters are a backend reference's own:
`name` of an AIServiceBackend, `modelNameOverride`, `namespace`; `provider` beside them only tells Outlay whose
model it is. Keys lie in the cluster's BackendSecurityPolicy, never here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipelines.routing.credentials import SECRET_TEXT, find_credentials
from pipelines.routing.policy import Leg, Policy, PolicyFile
from pipelines.routing.targets.binding import binding_sha256, plain
from pipelines.routing.targets.envoy_schema import API, RULES, problems_of
from pipelines.routing.targets.header import header_of, read_header, with_comment_header
from pipelines.routing.targets.litellm import yaml_text
from pipelines.workspace.gateway import EnvoyGateway

WORKFLOW, TASK_TYPE, STRATUM, GROUP = "x-workflow", "x-task-type", "x-stratum", "x-group"
TIERS = "outlay/tiers"  #: annotation: which backend and model each tier is, to read a file back
NETWORKING = "gateway.networking.k8s.io"
OWN = ("name", "namespace", "modelNameOverride")


@dataclass(frozen=True)
class Envoy:
    """The renderer for one gateway of one cluster."""

    gateway: EnvoyGateway

    def render(self, file: PolicyFile, models: Mapping[str, Mapping[str, Any]]) -> str:
        used = {tier: plain(models[tier]) for tier in file.policy.used_tiers}
        documents = _documents(file.policy, used, self.gateway)
        body = "---\n".join(yaml_text(document) for document in documents)
        return with_comment_header(header_of(file, binding_sha256(used), body), body)

    def parse(self, text: str) -> dict[str, tuple[Leg, ...]]:
        return parse(text)

    def lint(self, text: str, policy: Policy) -> list[str]:
        return lint(text, policy)

    def bound_model(self, parameters: Mapping[str, Any]) -> str | None:
        return bound_model(parameters)

    def unenforced(self, policy: Policy) -> list[str]:
        return unenforced(policy)


def _documents(
    policy: Policy, models: Mapping[str, Mapping[str, Any]], gateway: EnvoyGateway
) -> Iterator[dict[str, Any]]:
    rules = [_rule(group, legs, models) for group, legs in policy.groups.items()]
    orders = max((leg.order for legs in policy.groups.values() for leg in legs), default=1)
    for number, start in enumerate(range(0, len(rules), RULES), start=1):
        name = gateway.route if number == 1 else f"{gateway.route}-{number}"
        metadata = {
            "name": name,
            "namespace": gateway.namespace,
            "labels": {"app.kubernetes.io/managed-by": "outlay"},
        }
        tiers = {tier: _ref(parameters) for tier, parameters in models.items()}
        yield {
            "apiVersion": API,
            "kind": "AIGatewayRoute",
            "metadata": {**metadata, "annotations": {TIERS: json.dumps(tiers, sort_keys=True)}},
            "spec": {
                "parentRefs": [{"group": NETWORKING, "kind": "Gateway", "name": gateway.name}],
                "rules": rules[start : start + RULES],
            },
        }
        if orders > 1:
            yield {
                "apiVersion": "gateway.envoyproxy.io/v1alpha1",
                "kind": "BackendTrafficPolicy",
                "metadata": metadata,
                "spec": {
                    "targetRefs": [{"group": NETWORKING, "kind": "HTTPRoute", "name": name}],
                    "retry": {
                        "numAttemptsPerPriority": 1,
                        "numRetries": orders - 1,
                        "retryOn": {
                            "httpStatusCodes": list(policy.fallback_on),
                            "triggers": ["connect-failure", "retriable-status-codes"],
                        },
                    },
                },
            }


def _rule(group: str, legs: tuple[Leg, ...], models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    key, _, chosen = group.partition("@")
    headers = [
        *zip((WORKFLOW, TASK_TYPE, STRATUM), key.split("/"), strict=False),
        *([(GROUP, chosen)] if chosen else []),
    ]
    return {
        "name": rule_name(group),
        "matches": [{"headers": [{"type": "Exact", "name": name, "value": value} for name, value in headers]}],
        "backendRefs": [
            {**_ref(models[leg.tier]), "weight": leg.weight, "priority": leg.order - 1} for leg in legs
        ],
    }  # fmt: skip


def _ref(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if key != "provider"}


def rule_name(group: str) -> str:
    """The group's name in the letters that a cluster allows; with part of its hash where that loses something."""
    exact = group.replace("/", ".")
    parts = (part.strip("-") for part in re.sub(r"[^a-z0-9.]+", "-", exact.lower()).split("."))
    slug = ".".join(part for part in parts if part) or "route"
    if slug == exact:
        return slug
    code = hashlib.sha256(group.encode()).hexdigest()[:8]
    named = f"{slug}-{code}"
    return f"route-{code}" if SECRET_TEXT.search(named) else named  # a task `PK` must not read as a key


def _read(text: str) -> list[Any]:
    try:
        return [document for document in YAML(typ="safe", pure=True).load_all(read_header(text)[1]) if document]
    except YAMLError:
        raise ValueError("not readable as YAML") from None


def parse(text: str) -> dict[str, tuple[Leg, ...]]:
    """Which legs each rule leads to; raises ValueError if it is no such file."""
    routes: dict[str, tuple[Leg, ...]] = {}
    try:
        for document in _read(text):
            if document["kind"] != "AIGatewayRoute":
                continue
            tiers = json.loads(document["metadata"]["annotations"][TIERS])
            known = {json.dumps(reference, sort_keys=True): tier for tier, reference in tiers.items()}
            for rule in document["spec"]["rules"]:
                (match,) = rule["matches"]
                headers = {header["name"]: header["value"] for header in match["headers"]}
                group = f"{headers[WORKFLOW]}/{headers[TASK_TYPE]}"
                group += f"/{headers[STRATUM]}" if STRATUM in headers else ""
                group += f"@{headers[GROUP]}" if GROUP in headers else ""
                routes[group] = tuple(_legs(rule["backendRefs"], known))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not an Envoy AI Gateway file of Outlay's: {type(error).__name__}") from None
    return routes


def _legs(references: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> Iterator[Leg]:
    for reference in references:
        own = {key: value for key, value in reference.items() if key not in ("weight", "priority")}
        tier = known.get(json.dumps(own, sort_keys=True), f"{own.get('name')}:{own.get('modelNameOverride')}")
        yield Leg(tier, reference.get("priority", 0) + 1, reference.get("weight", 1))


def lint(text: str, policy: Policy) -> list[str]:
    try:
        documents = _read(text)
    except ValueError as error:
        return [str(error)]
    problems = [
        f"{hit.where}: a literal secret; keys belong into a BackendSecurityPolicy"
        for hit in find_credentials(documents)
    ]
    problems += [problem for document in documents for problem in problems_of(document)]
    if problems:
        return problems
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    problems += [f"{kind} {name}: given twice" for kind, name in sorted({n for n in names if names.count(n) > 1})]
    routes = [document for document in documents if document["kind"] == "AIGatewayRoute"]
    for document in routes:
        if not problems:
            problems += _ambiguous(document)
    try:
        found = parse(text)
    except ValueError as error:
        return [*problems, str(error)]
    for group, legs in found.items():
        for order in sorted({leg.order for leg in legs}):
            total = sum(leg.weight for leg in legs if leg.order == order)
            if total != 100:
                problems.append(f"{group}: weights of priority {order - 1} sum to {total}, expected 100")
    rules = sum(len(document["spec"]["rules"]) for document in routes)
    if not problems and (rules != len(found) or found != policy.groups):
        problems.append("the routes differ from the policy's")
    failing_over = {d["metadata"]["name"]: d for d in documents if d["kind"] == "BackendTrafficPolicy"}
    for document in routes:
        name = document["metadata"]["name"]
        deepest = max(ref["priority"] for rule in document["spec"]["rules"] for ref in rule["backendRefs"])
        retry: dict[str, Any] = failing_over[name]["spec"]["retry"] if name in failing_over else {"numRetries": 0}
        if deepest > retry["numRetries"]:
            problems.append(
                f"{name}: priority {deepest} is never tried, BackendTrafficPolicy allows {retry['numRetries']}"
            )
        elif deepest and retry["retryOn"]["httpStatusCodes"] != list(policy.fallback_on):
            problems.append(f"{name}: retries on other statuses than the policy's fallback_on")
    return problems


def _ambiguous(document: Mapping[str, Any]) -> list[str]:
    tiers = json.loads(document["metadata"]["annotations"].get(TIERS, "{}"))
    seen: dict[str, str] = {}
    problems = []
    for tier, reference in tiers.items():
        if unknown := sorted(set(reference) - set(OWN)):
            problems.append(f"models.{tier}.{unknown[0]}: not part of a backend reference, expected {', '.join(OWN)}")
        text = json.dumps(reference, sort_keys=True)
        if text in seen:
            problems.append(
                f"models.{tier}: the same backend and model as tier {seen[text]}; nobody could tell them apart"
            )
        seen[text] = tier
    return problems


def bound_model(parameters: Mapping[str, Any]) -> str | None:
    provider, model = parameters.get("provider", parameters.get("name")), parameters.get("modelNameOverride")
    return f"{provider}/{model}" if isinstance(provider, str) and isinstance(model, str) else None


def unenforced(policy: Policy) -> list[str]:
    strata = [f"strata: told by the header {STRATUM}; a request without it is served as its task type is"]
    return [
        *(strata if policy.by_stratum else []),
        f"default_tier {policy.default_tier}: a request without a rule of its own is left to the gateway's other routes",
        "keys: in the cluster's BackendSecurityPolicy; AIServiceBackends must be there before this file is applied",
    ]
