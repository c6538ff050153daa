"""Back to an earlier version, byte for byte."""

from __future__ import annotations

import pytest

from pipelines.routing import audit
from pipelines.routing.loop import route_apply, route_approve, route_plan, route_rollback, route_status
from pipelines.workspace.errors import OutlayError, UsageError
from tests.routing.workspaces import (
    FILE,
    NOW,
    advice,
    by_hand,
    everything,
    go_live,
    live,
    policy_bytes,
    routed,
    rows,
    target,
    workspace,
)


def state(loaded):
    return live(loaded), policy_bytes(loaded)


def version_two(loaded):
    by_hand(loaded, 2)
    go_live(loaded)


def test_the_version_before_comes_back_byte_for_byte(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    before = state(loaded)
    version_two(loaded)
    assert state(loaded) != before
    said = route_rollback(loaded, now=NOW, by="finops-lead", reason="more rejections")
    assert state(loaded) == before
    row = rows(loaded)[-1]
    assert (row["event"], row["version"], row["left_version"]) == ("rolled_back", 1, 2)
    assert (row["by"], row["reason"]) == ("finops-lead", "more rejections")
    assert said.document["version"] == 1
    assert route_status(loaded).document["in_order"]


def test_where_there_was_no_file_it_is_removed(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    route_rollback(loaded, now=NOW)
    assert state(loaded) == (None, None)
    assert route_status(loaded).document["live_version"] == 0


def test_a_file_that_was_there_before_outlay_comes_back(tmp_path):
    loaded = workspace(tmp_path)
    (tmp_path / "gateway").mkdir()
    (tmp_path / FILE).write_bytes(b"# empty for now\r\nmodel_list: []")
    go_live(loaded)
    route_rollback(loaded, now=NOW)
    assert live(loaded) == b"# empty for now\r\nmodel_list: []"


def test_several_versions_can_be_left_at_once(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    first = state(loaded)
    version_two(loaded)
    by_hand(loaded, 3, extra=routed("claims", "triage", "light", "frontier"))
    go_live(loaded)
    route_rollback(loaded, to=1, now=NOW)
    assert state(loaded) == first


@pytest.mark.parametrize("to", [-1, 2, 3])
def test_only_an_earlier_version_can_be_rolled_back_to(tmp_path, to):
    loaded = workspace(tmp_path)
    go_live(loaded)
    version_two(loaded)
    with pytest.raises(UsageError, match=rf"--to: found {to}, expected a version before the live one, 0 to 1"):
        route_rollback(loaded, to=to, now=NOW)


def test_nothing_live_is_nothing_to_roll_back(tmp_path):
    with pytest.raises(OutlayError, match=r"nothing to roll back"):
        route_rollback(workspace(tmp_path), now=NOW)


def test_after_a_rollback_the_next_version_follows_the_live_one(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    first = state(loaded)
    version_two(loaded)
    route_rollback(loaded, now=NOW)
    by_hand(
        loaded,
        2,
        routes=routed("claims", "triage", "light", "frontier"),
    )
    go_live(loaded)
    assert b"route/claims/triage" in (live(loaded) or b"")
    route_rollback(loaded, now=NOW)
    assert state(loaded) == first
    route_rollback(loaded, now=NOW)
    assert state(loaded) == (None, None)


def test_a_rollback_takes_the_approval_that_was_waiting_with_it(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    version_two(loaded)
    written = by_hand(loaded, 3).read_bytes()
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    approved = policy_bytes(loaded)
    assert approved != written
    said = route_rollback(loaded, now=NOW)
    assert "held changes that were never applied; they are kept in policy.yaml.v2.bak" in said.text
    assert (tmp_path / "routing" / "policy.yaml.v2.bak").read_bytes() == approved
    assert route_apply(loaded, now=NOW).document["status"] == "already applied"


def test_a_hand_edited_file_is_not_rolled_over_unasked(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    first = state(loaded)
    version_two(loaded)
    (tmp_path / FILE).write_text("model_list: [{model_name: mine}]\n")
    before = everything(tmp_path)
    with pytest.raises(OutlayError, match=r"edited since Outlay wrote version 2; nothing was changed"):
        route_rollback(loaded, now=NOW)
    assert everything(tmp_path) == before
    route_rollback(loaded, now=NOW, overwrite=True)
    assert state(loaded) == first
    assert (tmp_path / f"{FILE}.v2.bak").read_text() == "model_list: [{model_name: mine}]\n"


def test_an_adopted_file_is_what_comes_back(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    edited = (live(loaded) or b"") + b"# a note that was adopted\n"
    (tmp_path / FILE).write_bytes(edited)
    route_apply(loaded, now=NOW, adopt=True)
    version_two(loaded)
    route_rollback(loaded, now=NOW)
    assert live(loaded) == edited
    assert route_status(loaded).document["targets"][0]["state"] == "in place"


def test_a_backup_that_is_gone_or_changed_is_said_and_nothing_moves(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    version_two(loaded)
    (tmp_path / f"{FILE}.v1.bak").write_text("tampered")
    before = everything(tmp_path)
    with pytest.raises(OutlayError, match=r"no backup beside it holds the former bytes"):
        route_rollback(loaded, now=NOW)
    assert everything(tmp_path) == before


def test_a_rollback_whose_reload_fails_leaves_everything_as_it_was(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    version_two(loaded)
    before = state(loaded)
    refusing = target(reload={"command": ["sh", "-c", f"! grep -q version=1 {FILE}"], "timeout_s": 20})
    with pytest.raises(OutlayError, match=r"reload command ended with status 1"):
        route_rollback(workspace(tmp_path, refusing), now=NOW)
    assert state(loaded) == before
    assert rows(loaded)[-1]["event"] == "rollback_failed"
    assert route_status(loaded).document["live_version"] == 2
    route_rollback(loaded, now=NOW)


def test_a_target_that_came_later_loses_its_file_with_its_version(tmp_path):
    second = "gateway/second.yaml"
    loaded = workspace(tmp_path)
    go_live(loaded)
    both = workspace(tmp_path, target(), target("second", second))
    assert route_plan(both, advice(), probe=False, now=NOW).document["source"] == "parameters"
    go_live(both)
    assert live(both, second) is not None
    route_rollback(both, now=NOW)
    assert live(both, second) is None
    assert audit.verify(tmp_path) is None
