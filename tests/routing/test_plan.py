"""The dry run: what is proposed, from what, and that nothing is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.routing.loop import check_targets, route_apply, route_approve, route_plan
from pipelines.routing.plan import plan
from pipelines.routing.policy_text import parse_policy
from pipelines.workspace.errors import OutlayError, UsageError
from tests.routing.workspaces import (
    FILE,
    MODELS,
    NOW,
    advice,
    by_hand,
    everything,
    go_live,
    policy_bytes,
    switch,
    target,
    workspace,
)


def planned(loaded, recommendations=None, **more):
    return plan(loaded, advice() if recommendations is None else recommendations, NOW, probed=False, **more)


def only_route(plan_):
    assert plan_.file is not None
    (route,) = plan_.file.policy.routes
    return route


def test_a_first_switch_is_a_canary_of_five_percent_with_the_old_tier_behind_it(tmp_path):
    made = planned(workspace(tmp_path))
    route = only_route(made)
    assert [(leg.label, leg.order, leg.weight) for leg in route.legs] == [
        ("frontier", 1, 95),
        ("light", 1, 5),
        ("frontier@fallback", 2, 100),
    ]
    assert route.canary is not None
    assert route.canary.approved == 100
    assert route.owner == "legal-ops"
    assert made.file is not None
    policy = made.file.policy
    assert (policy.version, policy.parent_sha256, policy.created_by, policy.policy_id) == (
        1, None, "outlay", "acme-ai-operations",
    )  # fmt: skip
    assert policy.tiers == {"frontier": 3, "standard": 2, "light": 1}
    assert policy.default_tier == "frontier"
    (change,) = made.changes
    assert (change.before, change.after, change.approved_share) == (
        {"frontier": 100},
        {"frontier": 95, "light": 5},
        100,
    )


@pytest.mark.parametrize(("share", "percent", "approved"), [(0.03, 3, 3), (0.05, 5, 5), (0.57, 5, 57), (0.999, 5, 99)])
def test_a_canary_never_passes_the_approved_share(tmp_path, share, percent, approved):
    item = switch(share=share)
    item["routes"][-1]["share"] = share
    canary = only_route(planned(workspace(tmp_path), advice(item))).canary
    assert canary is not None
    assert (canary.percent, canary.approved) == (percent, approved)


def test_a_plan_writes_nothing(tmp_path):
    loaded = workspace(tmp_path / "w")
    by_hand(loaded)
    before = everything(loaded.root)
    route_plan(loaded, advice(), probe=False, now=NOW)
    assert everything(loaded.root) == before
    assert not (loaded.root / ".outlay").exists()


def test_equal_evidence_gives_equal_bytes_whenever_it_is_planned(tmp_path):
    loaded = workspace(tmp_path)
    first = plan(loaded, advice(), NOW, probed=False)
    later = plan(loaded, advice(), NOW + timedelta(hours=9), probed=False)
    assert first.plan_id == later.plan_id
    assert [t.rendered.text for t in first.targets] == [t.rendered.text for t in later.targets]


def test_the_plan_tells_shares_and_what_is_expected_with_intervals(tmp_path):
    text = route_plan(workspace(tmp_path), advice(), probe=False, now=NOW).text
    assert "contract_review/clause_extraction: frontier 100 % -> frontier 95 %, light 5 %, at most 100 %" in text
    assert "expected saving at the approved share: $412.50 a month, 82.0% (79.0% to 85.0%) of its cost" in text
    assert "expected quality kept: 99.1% (97.2% to 100.4%)" in text
    assert '+      id: "route/contract_review/clause_extraction#frontier@fallback"' in text


@pytest.mark.parametrize("decision", ["keep", "experiment"])
def test_only_a_switch_is_planned(tmp_path, decision):
    made = planned(workspace(tmp_path), advice(switch(decision=decision)))
    assert (made.source, made.file, made.targets) == ("nothing", None, ())


def test_models_meet_their_tier_on_canonical_names(tmp_path):
    item = switch(model="openai/gpt-5-mini-2025-08-07", reference_model="openai/gpt-5.4-2026-03-05")
    assert only_route(planned(workspace(tmp_path), advice(item))).shares == {"frontier": 95, "light": 5}


@pytest.mark.parametrize(
    ("item", "note"),
    [
        (switch(reference_model="openai/gpt-3.5-turbo"), "no tier of outlay.yaml lists openai/gpt-3.5-turbo"),
        (switch(model="anthropic/claude-haiku-4-5"), "not routable: target proxy serves openai/gpt-5-mini as tier light, the evidence is about anthropic/claude-haiku-4-5"),
        (switch(reference_model="anthropic/claude-opus-5-5"), "not routable: target proxy serves openai/gpt-5.4 as tier frontier, and the task runs on anthropic/claude-opus-5-5 today"),
        (switch(model="anthropic/claude-opus-5-5"), "stays on tier frontier; within a tier, change what outlay.yaml binds it to"),
        (switch(workflow='x"]}\n- evil'), "a name from a log that no routing file may hold; use letters, digits, `.`, `_` and `-`"),
        (switch(share=0.004), "the recommended share is less than one percent"),
    ],
)  # fmt: skip
def test_what_cannot_be_routed_is_left_and_said(tmp_path, item, note):
    if item["id"].endswith("-0"):
        item["routes"][-1]["share"] = 0.004
    made = planned(workspace(tmp_path), advice(item))
    assert made.file is None
    assert [n.partition(": ")[2] for n in made.notes] == [note]


def test_a_tier_that_a_target_does_not_bind_is_not_routable(tmp_path):
    bare = target(models={"light": MODELS["light"]})
    made = planned(workspace(tmp_path, bare))
    assert made.file is None
    assert made.notes == (
        "contract_review/clause_extraction: not routable: target proxy has no parameters for tier frontier",
    )


def test_the_workflows_limits_bind_the_plan(tmp_path):
    limits = {"contract_review": {"unit": "document", "models": {"deny": ["openai/gpt-5-*"]}}}
    made = planned(workspace(tmp_path, workflows=limits))
    assert made.file is None
    assert "denied by workflows.contract_review.models.deny 'openai/gpt-5-*'" in made.notes[0]


def test_a_hand_written_policy_may_not_pass_the_workflows_limits(tmp_path):
    limits = {"contract_review": {"unit": "document", "models": {"allow": ["openai/*"]}}}
    loaded = workspace(tmp_path, workflows=limits)
    by_hand(loaded)
    with pytest.raises(UsageError, match=r"tier 'standard' is anthropic/claude-sonnet-5: not among workflows"):
        planned(loaded)


def test_a_policy_edited_by_hand_is_what_the_plan_covers(tmp_path):
    loaded = workspace(tmp_path)
    text = by_hand(loaded).read_text()
    made = planned(loaded)
    assert made.source == "edited"
    assert made.file is not None
    assert made.file.text == text
    assert [(c.route, c.kind, dict(c.after)) for c in made.changes] == [
        ("contract_review/risk_judgement", "edited", {"frontier": 80, "standard": 20})
    ]
    with pytest.raises(UsageError, match=r"--only: routing/policy.yaml was edited by hand"):
        planned(loaded, only=["contract_review-clause_extraction-100"])


def test_a_locked_route_never_moves(tmp_path):
    loaded = workspace(tmp_path)
    pin = (
        "  - match: {workflow: contract_review, task_type: clause_extraction}\n    tier: frontier\n"
        "    fallback: [standard]\n    locked: true\n    owner: legal\n    reason: court order\n"
    )
    by_hand(loaded, routes=pin)
    go_live(loaded)
    made = planned(loaded)
    assert (made.source, made.changes) == ("nothing", ())
    assert made.notes == ("contract_review/clause_extraction: locked by legal: court order",)


def test_a_route_moves_one_step_and_keeps_its_other_fallbacks(tmp_path):
    loaded = workspace(tmp_path)
    stable = (
        "  - match: {workflow: contract_review, task_type: clause_extraction}\n    tier: frontier\n"
        "    fallback: [standard]\n"
    )
    by_hand(loaded, routes=stable)
    go_live(loaded)
    made = planned(loaded)
    route = only_route(made)
    assert [(leg.label, leg.order, leg.weight) for leg in route.legs] == [
        ("frontier", 1, 95),
        ("light", 1, 5),
        ("frontier@fallback", 2, 100),
        ("standard@fallback", 3, 100),
    ]
    assert made.file is not None
    assert made.file.policy.version == 2
    assert made.file.policy.parent_sha256 == parse_policy(policy_bytes(loaded) or b"", "p").sha256


def test_a_canary_under_way_is_left_to_the_rollout(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    made = planned(loaded)
    assert (made.source, made.changes) == ("nothing", ())
    assert made.notes == ("contract_review/clause_extraction: 5 % of at most 100 % already run on tier light",)


def test_less_than_what_runs_is_proposed_at_once_and_more_only_as_an_approved_share(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded, advice(switch(share=0.4)))
    fewer = only_route(planned(loaded, advice(switch(share=0.02)))).canary
    more = only_route(planned(loaded, advice(switch(share=0.9)))).canary
    assert fewer is not None
    assert more is not None
    assert (fewer.percent, fewer.approved) == (2, 2)
    assert (more.percent, more.approved) == (5, 90)
    assert planned(loaded, advice(switch(share=0.42))).changes == ()


def test_an_expired_canary_is_taken_back(tmp_path):
    loaded = workspace(tmp_path)
    trial = (
        "  - match: {workflow: contract_review, task_type: clause_extraction}\n    tier: frontier\n"
        "    canary: {tier: light, percent: 20}\n    fallback: [frontier, standard]\n"
        "    expires_at: 2026-11-21T00:00:00Z\n"
    )
    by_hand(loaded, routes=trial)
    go_live(loaded)
    route = only_route(planned(loaded, advice(switch(decision="keep"))))
    assert (route.shares, route.fallback, route.expires_at) == ({"frontier": 100}, ("standard",), None)


def test_only_the_named_recommendations_are_taken(tmp_path):
    loaded = workspace(tmp_path)
    both = advice(switch(), switch("claims", "triage"))
    assert [c.route for c in planned(loaded, both).changes] == [
        "claims/triage",
        "contract_review/clause_extraction",
    ]
    assert [c.route for c in planned(loaded, both, only=["claims-triage-100"]).changes] == ["claims/triage"]
    with pytest.raises(
        UsageError, match=r"no change to approve with id 'nope'; recommended switches: claims-triage-100"
    ):
        planned(loaded, both, only=["nope"])


def test_changed_parameters_of_a_target_need_an_approval_of_their_own(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    moved = workspace(tmp_path, target(models={**MODELS, "light": {**MODELS["light"], "timeout": 20}}))
    made = planned(moved)
    assert (made.source, made.needs_approval) == ("parameters", True)
    assert made.file is not None
    assert made.file.policy.version == 2
    with pytest.raises(OutlayError, match=r"the targets in outlay.yaml changed since the approval"):
        route_apply(moved, now=NOW)
    route_approve(moved, advice(), by="platform-lead", now=NOW)
    route_apply(moved, now=NOW)
    assert b"timeout: 20" in (tmp_path / FILE).read_bytes()


def test_a_literal_secret_in_a_binding_exits_2_and_is_not_shown(tmp_path):
    secret = "sk-proj-0123456789abcdefSECRET"
    loaded = workspace(tmp_path, target(models={**MODELS, "light": {"model": "openai/gpt-5-mini", "api_key": secret}}))
    for call in (lambda: planned(loaded), lambda: check_targets(loaded)):
        with pytest.raises(UsageError) as error:
            call()
        assert error.value.exit_code == 2
        assert "routing.targets.proxy.models.light.api_key: a secret stands here in clear" in str(error.value)
        assert secret not in str(error.value)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("../outside.yaml", "expected a path without `..`"),
        ("routing/policy.yaml", "belongs to routing/policy.yaml"),
        ("routing/audit.jsonl", "belongs to routing/audit.jsonl"),
        (".outlay/routes.yaml", "belongs to .outlay"),
    ],
)
def test_a_target_has_a_file_of_its_own_below_the_workspace(tmp_path, path, complaint):
    with pytest.raises(UsageError, match=complaint):
        planned(workspace(tmp_path, target(path=path)))


def test_two_targets_may_not_share_a_file(tmp_path):
    with pytest.raises(UsageError, match=r"routing.targets.second.path: 'gateway/outlay_routes.yaml' belongs to proxy"):
        planned(workspace(tmp_path, target(), target("second")))


def test_a_hand_made_secret_in_the_live_file_is_masked_in_the_diff(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    live = tmp_path / FILE
    live.write_text(live.read_text().replace('"os.environ/OPENAI_API_KEY"', "my plain secret", 1))
    by_hand(loaded, 2)
    made = planned(loaded)
    assert "my plain secret" not in made.targets[0].diff
    assert "-      api_key: ***" in made.targets[0].diff
    assert any("edited by hand since Outlay wrote it; apply will refuse" in note for note in made.notes)


def test_check_names_what_is_worth_a_look(tmp_path):
    loaded = workspace(tmp_path, target(models={"light": MODELS["standard"], "frontier": MODELS["frontier"]}))
    assert check_targets(loaded) == [
        "routing.targets.proxy.models: no parameters for tier standard, so nothing is routed there",
        "routing.targets.proxy: no reload command, so the gateway must be told of a change by hand",
        "routing.targets.proxy.models.light: anthropic/claude-sonnet-5 is not among the models of tier light",
    ]
