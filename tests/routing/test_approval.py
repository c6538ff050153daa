"""A person's yes: who may give it, what it covers, and what makes it void."""

from __future__ import annotations

import re

import pytest

from pipelines.routing.loop import route_apply, route_approve, route_plan
from pipelines.routing.policy import sha256
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
    live,
    policy_bytes,
    rows,
    switch,
    target,
    workspace,
)


def approve(loaded, recommendations=None, by="finops-lead", **more):
    return route_approve(loaded, recommendations or advice(), by=by, now=NOW, **more)


def test_an_approval_writes_the_policy_and_one_row_that_covers_its_bytes(tmp_path):
    loaded = workspace(tmp_path)
    plan = route_plan(loaded, advice(), probe=False, now=NOW).document
    approve(loaded)
    (row,) = rows(loaded)
    text = (tmp_path / "routing" / "policy.yaml").read_text()
    assert (row["event"], row["by"], row["version"]) == ("approved", "finops-lead", 1)
    assert row["recommendation_ids"] == ["contract_review-clause_extraction-100"]
    assert row["policy_sha256"] == sha256(text) == plan["policy_sha256"]
    assert row["policy_text"] == text
    assert row["plan_id"] == plan["plan_id"]
    assert [t["file_sha256"] for t in row["targets"]] == [t["file_sha256"] for t in plan["targets"]]
    assert live(loaded) is None


@pytest.mark.parametrize(
    "name", ["finops-lead", "finops-lead@acme.example", "FinOps-Lead@Acme.example", "platform-lead"]
)
def test_an_approver_is_known_by_name_or_mail(tmp_path, name):
    loaded = workspace(tmp_path)
    approve(loaded, by=name)
    assert rows(loaded)[0]["by"] in {"finops-lead", "platform-lead"}


@pytest.mark.parametrize("name", ["intern", "", " ", "finops", "outlay"])
def test_nobody_else_may_approve(tmp_path, name):
    loaded = workspace(tmp_path)
    with pytest.raises(OutlayError, match=r"may not approve; .* names: platform-lead, finops-lead") as error:
        approve(loaded, by=name)
    assert error.value.exit_code == 1
    assert everything(tmp_path) == {}


def test_the_author_of_a_policy_does_not_approve_it(tmp_path):
    loaded = workspace(tmp_path)
    by_hand(loaded)
    with pytest.raises(OutlayError, match=r"wrote this policy"):
        approve(loaded, by="platform-lead")
    approve(loaded, by="finops-lead")


def test_the_authors_mail_is_the_author_too(tmp_path):
    loaded = workspace(tmp_path)
    file = by_hand(loaded)
    file.write_text(file.read_text().replace("created_by: platform-lead", "created_by: FINOPS-LEAD@acme.example"))
    with pytest.raises(OutlayError, match=r"wrote this policy"):
        approve(loaded, by="finops-lead")


def test_only_the_named_recommendations_are_approved(tmp_path):
    loaded = workspace(tmp_path)
    both = advice(switch(), switch("claims", "triage"))
    approve(loaded, both, only=["claims-triage-100"])
    assert rows(loaded)[0]["recommendation_ids"] == ["claims-triage-100"]
    policy = parse_policy(policy_bytes(loaded) or b"", "p").policy
    assert [route.key for route in policy.routes] == ["claims/triage"]
    with pytest.raises(UsageError, match=r"no change to approve with id 'claims-triage-100'"):
        approve(loaded, both, only=["claims-triage-100"])


def test_a_second_approval_before_applying_adds_to_the_first_under_the_same_version(tmp_path):
    loaded = workspace(tmp_path)
    both = advice(switch(), switch("claims", "triage"))
    approve(loaded, both, only=["claims-triage-100"])
    approve(loaded, both)
    second = rows(loaded)[1]
    assert second["version"] == 1
    assert second["recommendation_ids"] == ["claims-triage-100", "contract_review-clause_extraction-100"]
    route_apply(loaded, both, now=NOW)
    assert b"route/claims/triage" in (live(loaded) or b"")
    assert b"route/contract_review/clause_extraction" in (live(loaded) or b"")


def test_nothing_new_is_nothing_to_approve(tmp_path):
    loaded = workspace(tmp_path)
    approve(loaded)
    with pytest.raises(OutlayError, match=r"nothing to approve: version 1 is approved by finops-lead and not applied"):
        approve(loaded)
    route_apply(loaded, now=NOW)
    with pytest.raises(OutlayError, match=r"nothing to approve"):
        approve(loaded)


def test_a_plan_that_changed_since_it_was_seen_is_not_approved(tmp_path):
    loaded = workspace(tmp_path)
    seen = route_plan(loaded, advice(), probe=False, now=NOW).document["plan_id"]
    with pytest.raises(OutlayError, match=r"the plan has changed since you looked at it"):
        approve(loaded, advice(switch(share=0.5)), seen=seen)
    approve(loaded, seen=seen)


def test_an_edit_after_the_approval_voids_it(tmp_path):
    loaded = workspace(tmp_path)
    approve(loaded)
    file = tmp_path / "routing" / "policy.yaml"
    file.write_text(file.read_text().replace("percent: 5", "percent: 50"))
    with pytest.raises(OutlayError, match=r"edited since, which voids the approval"):
        route_apply(loaded, now=NOW)
    assert live(loaded) is None
    approve(loaded)
    route_apply(loaded, now=NOW)
    assert b"weight: 50" in (live(loaded) or b"")


def test_other_parameters_after_the_approval_void_it(tmp_path):
    approve(workspace(tmp_path))
    other = workspace(
        tmp_path, target(models={**MODELS, "light": {"model": "openai/gpt-5-mini", "api_base": "https://e"}})
    )
    with pytest.raises(OutlayError, match=r"other bytes would be written than were approved"):
        route_apply(other, now=NOW)
    assert live(other) is None


@pytest.mark.parametrize(
    "newer",
    [
        advice(switch(items=260, retention=0.99, saving_usd_month="399.10"), as_of="2026-11-21"),
        advice(switch(share=0.93), as_of="2026-11-21"),
    ],
)
def test_a_new_days_data_alone_voids_nothing(tmp_path, newer):
    loaded = workspace(tmp_path)
    approve(loaded)
    route_apply(loaded, newer, now=NOW)
    assert b"policy=acme-ai-operations version=1 " in (live(loaded) or b"")


@pytest.mark.parametrize(
    "newer",
    [
        advice(switch(decision="keep", routes=[{"model": "openai/gpt-5.4", "share": 1}])),
        advice(switch(share=0.02)),
    ],
)
def test_evidence_that_changes_the_plan_voids_the_approval(tmp_path, newer):
    loaded = workspace(tmp_path)
    approve(loaded)
    with pytest.raises(OutlayError, match=r"the approval is void, newer evidence changes the plan"):
        route_apply(loaded, newer, now=NOW)
    assert live(loaded) is None


def test_a_persons_edit_is_bound_by_validity_alone(tmp_path):
    loaded = workspace(tmp_path)
    by_hand(loaded)
    approve(loaded)
    route_apply(loaded, advice(switch("contract_review", "risk_judgement", decision="keep")), now=NOW)
    assert b"route/contract_review/risk_judgement#standard" in (live(loaded) or b"")


def test_the_parent_of_a_hand_written_policy_is_filled_in(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    parent = sha256(policy_bytes(loaded) or b"")
    written = by_hand(loaded, 2).read_text()
    approve(loaded)
    assert (policy_bytes(loaded) or b"").decode() == re.sub(r"(version: 2\n)", rf"\1parent_sha256: {parent}\n", written)
    assert rows(loaded)[-1]["parent_sha256"] == parent


def test_an_invalid_policy_is_refused_with_status_2_and_nothing_is_written(tmp_path):
    loaded = workspace(tmp_path)
    by_hand(loaded, version=7)
    before = everything(tmp_path)
    with pytest.raises(UsageError, match=r"version: found 7, expected 1"):
        approve(loaded)
    assert everything(tmp_path) == before


def test_the_approved_file_is_what_goes_live(tmp_path):
    loaded = workspace(tmp_path)
    approve(loaded)
    approved = rows(loaded)[0]["targets"][0]["file_sha256"]
    route_apply(loaded, now=NOW)
    assert sha256((tmp_path / FILE).read_bytes()) == approved
