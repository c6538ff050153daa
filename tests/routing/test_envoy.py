"""Envoy AI Gateway's resources as rendered: one rule a group, and within what a cluster accepts."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipelines.routing.loop import route_apply, route_approve, route_plan
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.targets import envoy
from pipelines.routing.targets.envoy_schema import problems_of
from pipelines.workspace.errors import UsageError
from pipelines.workspace.gateway import EnvoyGateway
from tests.routing.test_targets import ENVOY, POLICY
from tests.routing.workspaces import NOW, advice, target, workspace

GATEWAY = envoy.Envoy(EnvoyGateway(name="edge", namespace="ai"))


def documents(text: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe", pure=True).load_all(text))


def policy(routes: str):
    head = POLICY.text.partition("routes:")[0]
    return parse_policy(f"{head}routes:\n{routes}", "policy")


def test_a_rule_matches_our_headers_shares_by_weight_and_falls_back_by_priority():
    route, traffic = documents(GATEWAY.render(POLICY, ENVOY))
    tiers = json.loads(route["metadata"]["annotations"].pop("outlay/tiers"))
    assert tiers == {name: {k: v for k, v in own.items() if k != "provider"} for name, own in ENVOY.items()}
    meta = {"name": "outlay", "namespace": "ai", "labels": {"app.kubernetes.io/managed-by": "outlay"}}
    assert route == {
        "apiVersion": "aigateway.envoyproxy.io/v1beta1",
        "kind": "AIGatewayRoute",
        "metadata": {**meta, "annotations": {}},
        "spec": {
            "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}],
            "rules": [
                {
                    "name": "claims.triage",
                    "matches": [matching("claims", "triage")],
                    "backendRefs": [
                        {"name": "azure-east", "modelNameOverride": "gpt-5-mini", "weight": 100, "priority": 0},
                        {
                            "name": "anthropic", "modelNameOverride": "claude-sonnet-5", "namespace": "ai",
                            "weight": 100, "priority": 1,
                        },
                        {"name": "openai", "modelNameOverride": "gpt-5.4", "weight": 100, "priority": 2},
                    ],
                },
                {
                    "name": "contract-review.clause-extraction-c00c9838",
                    "matches": [matching("contract_review", "clause_extraction")],
                    "backendRefs": [
                        {"name": "openai", "modelNameOverride": "gpt-5.4", "weight": 95, "priority": 0},
                        {"name": "azure-east", "modelNameOverride": "gpt-5-mini", "weight": 5, "priority": 0},
                        {"name": "openai", "modelNameOverride": "gpt-5.4", "weight": 100, "priority": 1},
                    ],
                },
            ],
        },
    }  # fmt: skip
    assert traffic == {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "BackendTrafficPolicy",
        "metadata": meta,
        "spec": {
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "outlay"}],
            "retry": {
                "numAttemptsPerPriority": 1,
                "numRetries": 2,
                "retryOn": {
                    "httpStatusCodes": [408, 429, 500, 502, 503, 504],
                    "triggers": ["connect-failure", "retriable-status-codes"],
                },
            },
        },
    }


def matching(workflow: str, task_type: str, group: str | None = None) -> dict[str, Any]:
    headers = {"x-workflow": workflow, "x-task-type": task_type, **({"x-group": group} if group else {})}
    return {"headers": [{"type": "Exact", "name": name, "value": value} for name, value in headers.items()]}


def test_units_that_are_drawn_get_a_second_rule_with_one_header_more():
    file = policy(
        "  - match: {workflow: claims, task_type: triage}\n    tier: frontier\n    split: unit\n"
        "    canary: {tier: light, percent: 5}\n    fallback: [frontier]\n"
    )
    route, _ = documents(GATEWAY.render(file, ENVOY))
    rules = route["spec"]["rules"]
    assert [(rule["matches"][0], [ref["modelNameOverride"] for ref in rule["backendRefs"]]) for rule in rules] == [
        (matching("claims", "triage"), ["gpt-5.4"]),
        (matching("claims", "triage", "canary"), ["gpt-5-mini", "gpt-5.4"]),
    ]


def test_sixteen_routes_need_two_objects_each_with_its_own_retries():
    file = policy(
        "".join(
            f"  - match: {{workflow: w{n}, task_type: t}}\n    tier: light\n    fallback: [frontier]\n"
            for n in range(16)
        )
    )
    text = GATEWAY.render(file, ENVOY)
    assert GATEWAY.lint(text, file.policy) == []
    assert [(d["kind"], d["metadata"]["name"], len(d["spec"].get("rules", ()))) for d in documents(text)] == [
        ("AIGatewayRoute", "outlay", 15),
        ("BackendTrafficPolicy", "outlay", 0),
        ("AIGatewayRoute", "outlay-2", 1),
        ("BackendTrafficPolicy", "outlay-2", 0),
    ]


@pytest.mark.parametrize(
    ("group", "name"),
    [("claims/triage", "claims.triage"), ("a.b/c-d", "a.b.c-d"), ("-/_", "route-"), ("A/b", "a.b-"), ("a-/b", "a.b-")],
)
def test_rule_names_keep_to_a_clusters_letters_and_stay_apart(group: str, name: str):
    assert envoy.rule_name(group).startswith(name)
    assert len({envoy.rule_name(other) for other in (group, group.upper() + "x", group + "_", group + "-")}) == 4


def broken(kind: str, path: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(next(d for d in documents(GATEWAY.render(POLICY, ENVOY)) if d["kind"] == kind))
    *parents, last = path.split(".")
    place: Any = document
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[int(last) if last.isdigit() else last] = value
    return document


@pytest.mark.parametrize(
    ("kind", "path", "value", "complaint"),
    [
        ("AIGatewayRoute", "spec.rules.0.backendRefs.0.weigth", 1, "spec.rules.0.backendRefs.0.weigth: Extra inputs"),
        ("AIGatewayRoute", "spec.rules.0.backendRefs.0.weight", -1, "weight: Input should be greater than or equal to 1"),
        ("AIGatewayRoute", "spec.rules.0.backendRefs.0.weight", "5", "weight: Input should be a valid integer"),
        ("AIGatewayRoute", "spec.rules.0.backendRefs.0.priority", 2**31, "priority: Input should be less than or equal"),
        ("AIGatewayRoute", "spec.rules.0.matches.0.headers.0.type", "Regex", "type: Input should be 'Exact' or"),
        ("AIGatewayRoute", "spec.rules.0.matches.0.headers.0.name", "x workflow", "name: String should match pattern"),
        ("AIGatewayRoute", "spec.rules.0.name", "Claims", "spec.rules.0.name: String should match pattern"),
        ("AIGatewayRoute", "spec.rules.0.name", "route-not-found", "rule name route-not-found is reserved"),
        ("AIGatewayRoute", "spec.rules.1.name", "claims.triage", "rule name claims.triage is given twice"),
        ("AIGatewayRoute", "spec.parentRefs.0.kind", "Service", "kind: Input should be 'Gateway'"),
        ("AIGatewayRoute", "metadata.namespace", "AI_", "metadata.namespace: String should match pattern"),
        ("AIGatewayRoute", "apiVersion", "aigateway.envoyproxy.io/v1alpha1", "apiVersion: Input should be"),
        ("BackendTrafficPolicy", "spec.retry.retryOn.httpStatusCodes", [], "httpStatusCodes: List should have at least 1"),
        ("BackendTrafficPolicy", "spec.targetRefs.0.kind", "AIGatewayRoute", "kind: Input should be 'HTTPRoute'"),
        ("BackendTrafficPolicy", "kind", "Service", "kind 'Service': expected one of"),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_a_cluster_refuses_or_drops(kind: str, path: str, value: Any, complaint: str):
    said = problems_of(broken(kind, path, value))
    assert len(said) == 1
    assert complaint in said[0]


def test_a_route_object_holds_fifteen_rules_and_no_more():
    rules = broken("AIGatewayRoute", "kind", "AIGatewayRoute")["spec"]["rules"]
    many = [{**rules[0], "name": f"r{n}"} for n in range(16)]
    assert problems_of(broken("AIGatewayRoute", "spec.rules", many[:15])) == []
    (said,) = problems_of(broken("AIGatewayRoute", "spec.rules", many))
    assert "at most 15 items" in said


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "weight: 95",
            "weight: 90",
            "contract_review/clause_extraction: weights of priority 0 sum to 95, expected 100",
        ),
        ('value: "triage"', 'value: "other"', "the routes differ from the policy's"),
        ("numRetries: 2", "numRetries: 1", "outlay: priority 2 is never tried, BackendTrafficPolicy allows 1"),
        ("- 408\n", "- 400\n", "outlay: retries on other statuses than the policy's fallback_on"),
        ('modelNameOverride: "gpt-5.4"', 'modelNameOverride: "gpt-4"', "the routes differ from the policy's"),
        ("outlay/tiers", "outlay/steps", "not an Envoy AI Gateway file of Outlay's: KeyError"),
    ],
)
def test_lint_compares_the_resources_with_the_policy(old: str, new: str, complaint: str):
    text = GATEWAY.render(POLICY, ENVOY)
    assert old in text
    assert GATEWAY.lint(text.replace(old, new, 1), POLICY.policy) == [complaint]


def test_a_tier_that_is_not_a_backend_reference_is_named(tmp_path):
    for models, complaint in (
        ({**ENVOY, "light": {"model": "openai/gpt-5-mini"}}, r"backendRefs.1.name: Field required"),
        ({**ENVOY, "light": {**ENVOY["light"], "api_key": "sk-0123456789abcdef"}}, r"a secret stands here in clear"),
    ):
        loaded = workspace(tmp_path, target("edge", "gateway/envoy.yaml", "envoy", models=models))
        with pytest.raises(UsageError, match=complaint):
            route_plan(loaded, advice(), now=NOW, probe=False)


def test_two_tiers_that_nobody_could_tell_apart_are_named():
    text = GATEWAY.render(POLICY, {**ENVOY, "light": ENVOY["frontier"]})
    assert GATEWAY.lint(text, POLICY.policy)[0] == (
        "models.light: the same backend and model as tier frontier; nobody could tell them apart"
    )


def test_the_whole_loop_writes_resources_and_says_what_they_cannot_do(tmp_path):
    own = {**ENVOY, "light": {**ENVOY["light"], "provider": "openai"}}
    loaded = workspace(tmp_path, target("edge", "gateway/envoy.yaml", "envoy", models=own, gateway={"name": "edge"}))
    said = route_plan(loaded, advice(), now=NOW, probe=False).text
    assert "Not enforced here: default_tier frontier: a request without a rule of its own is left" in said
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    text = (tmp_path / "gateway/envoy.yaml").read_text()
    assert [problems_of(document) for document in documents(text)] == [[], []]
    assert text.startswith("# Written by Outlay. policy=acme-ai-operations version=1 ")
