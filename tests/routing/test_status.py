"""What is live, what waits, and what somebody changed."""

from __future__ import annotations

from pipelines.routing.loop import route_apply, route_approve, route_status
from pipelines.routing.status import live_policy, recorded_references
from tests.routing.workspaces import FILE, NOW, advice, by_hand, everything, go_live, live, workspace


def brief(loaded):
    document = route_status(loaded).document
    (target,) = document["targets"]
    return (
        document["live_version"], document["approved_version"], document["policy_file"], target["state"],
        target["applied_version"], document["in_order"],
    )  # fmt: skip


def test_status_follows_the_loop(tmp_path):
    loaded = workspace(tmp_path)
    assert brief(loaded) == (0, None, "absent", "absent", None, True)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    assert brief(loaded) == (0, 1, "approved, not applied", "absent", None, True)
    route_apply(loaded, now=NOW)
    assert brief(loaded) == (1, None, "live", "in place", 1, True)
    by_hand(loaded, 2)
    assert brief(loaded) == (1, None, "edited, not approved", "in place", 1, True)


def test_declared_shares_are_told_per_route(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    (route,) = route_status(loaded).document["routes"]
    assert route["route"] == "contract_review/clause_extraction"
    assert route["declared"] == {"frontier": 95, "light": 5}
    assert (route["approved_share"], route["fallback"], route["locked"]) == (100, ["frontier"], False)


def test_a_hand_edit_is_told_with_what_it_changes(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    text = (live(loaded) or b"").decode().replace("weight: 95", "weight: 60").replace("weight: 5\n", "weight: 40\n")
    (tmp_path / FILE).write_text(text)
    before = everything(tmp_path)
    answer = route_status(loaded)
    assert answer.document["targets"][0]["state"] == "edited"
    assert answer.document["targets"][0]["differences"] == [
        "contract_review/clause_extraction: the file says frontier 60, light 40, frontier@fallback 100, "
        "the policy frontier 95, light 5, frontier@fallback 100"
    ]
    assert not answer.document["in_order"]
    assert "edited by hand since Outlay wrote it" in answer.text
    assert everything(tmp_path) == before


def test_a_file_that_is_no_longer_readable_as_routes_is_told(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    (tmp_path / FILE).write_text("model_list: 12\n")
    assert route_status(loaded).document["targets"][0]["differences"] == [
        "not a LiteLLM include file of Outlay's: TypeError"
    ]


def test_a_link_in_place_of_the_file_is_told_and_not_followed(tmp_path):
    loaded = workspace(tmp_path / "w")
    go_live(loaded)
    (tmp_path / "w" / FILE).unlink()
    (tmp_path / "w" / FILE).symlink_to("/etc/hostname")
    (target,) = route_status(loaded).document["targets"]
    assert target["state"] == "unreadable"
    assert "is a symbolic link" in target["says"]


def test_the_reference_recorded_with_a_route_stays_known(tmp_path):
    loaded = workspace(tmp_path)
    assert live_policy(loaded) is None
    assert recorded_references(loaded) == {}
    go_live(loaded)
    assert recorded_references(loaded) == {("contract_review", "clause_extraction"): "openai/gpt-5.4"}
