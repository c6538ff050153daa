"""A tier stands behind every route that Outlay writes; where a person's route has none, the plan says so."""

from __future__ import annotations

from datetime import timedelta

from pipelines.routing.fallbacks import kept_behind
from pipelines.routing.loop import check_targets, route_apply, route_approve, route_plan
from pipelines.routing.policy import Canary, Match, Route
from tests.routing.workspaces import MODELS, NOW, advice, by_hand, target, workspace


def test_every_route_of_a_recommended_policy_has_a_tier_behind_it(tmp_path):
    planned = route_plan(workspace(tmp_path), advice(), now=NOW, probe=False)
    assert planned.document["resilience"] == [
        {"route": "contract_review/clause_extraction", "tiers": ["frontier", "light"], "fallback": ["frontier"]}
    ]
    assert "no tier stands behind" not in planned.text


def test_a_route_written_by_hand_without_a_fallback_is_named_in_the_plan(tmp_path):
    loaded = workspace(tmp_path)
    by_hand(loaded, routes="  - match: {workflow: claims, task_type: triage}\n    tier: light\n")
    planned = route_plan(loaded, {}, now=NOW, probe=False)
    assert planned.document["resilience"] == [{"route": "claims/triage", "tiers": ["light"], "fallback": []}]
    assert (
        "Note: claims/triage: no tier stands behind light, so a failing model fails the request: name a fallback in "
        "the policy" in planned.text
    )
    assert check_targets(loaded)[-1] == (
        "routing/policy.yaml: claims/triage: no tier stands behind light, so a failing model fails the request: name a "
        "fallback in the policy"
    )


def test_a_canary_that_expires_leaves_a_fallback_behind_its_old_tier(tmp_path):
    loaded = workspace(tmp_path)
    until = NOW + timedelta(days=1)
    by_hand(
        loaded,
        routes="  - match: {workflow: claims, task_type: triage}\n    tier: frontier\n"
        f"    canary: {{tier: light, percent: 20}}\n    fallback: [frontier]\n    expires_at: {until.isoformat()}\n",
    )
    route_approve(loaded, {}, by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    planned = route_plan(
        loaded, advice(as_of="2026-11-23") | {"recommendations": []}, now=NOW + timedelta(days=2), probe=False
    )
    assert planned.document["changes"][0]["kind"] == "expired"
    assert planned.document["resilience"] == [
        {"route": "claims/triage", "tiers": ["frontier"], "fallback": ["standard"]}
    ]


def test_the_nearest_tier_that_is_bound_and_allowed_stands_behind(tmp_path):
    route = Route(
        match=Match(workflow="claims", task_type="triage"), tier="standard", canary=Canary(tier="light", percent=5)
    )
    config = workspace(tmp_path / "a").config
    assert kept_behind(route, "standard", (), config) == ("frontier",), "the dearer of two that are as near"
    assert kept_behind(route, "standard", ("light", "standard"), config) == ("light",)
    bound = {name: MODELS[name] for name in ("standard", "light")}
    assert kept_behind(route, "standard", (), workspace(tmp_path / "b", target(models=bound)).config) == ("light",)
    denied = {"claims": {"unit": "decision", "models": {"deny": ["openai/*"]}}}
    assert kept_behind(route, "standard", (), workspace(tmp_path / "c", workflows=denied).config) == ()
