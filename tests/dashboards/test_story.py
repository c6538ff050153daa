"""From the waste to the routing change: the dashboard does what the command line does, to the byte."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from dashboards import actions
from pipelines import cli
from pipelines.routing import loop
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.dashboards.reading import said, title

NOW = datetime(2026, 11, 9, 8, 30, tzinfo=UTC)
ROUTES, POLICY, AUDIT = "gateway/outlay_routes.yaml", "routing/policy.yaml", "routing/audit.jsonl"


@pytest.fixture
def eight_thirty(monkeypatch):
    """Both doors act at the same moment."""
    monkeypatch.setattr(loop, "_now", lambda: NOW)


def outlay(root, *words: str) -> str:
    """The command line in this process."""
    done = CliRunner().invoke(cli.app, ["--workspace", str(root), *words])
    assert done.exit_code == 0, done.output
    return done.output


def clause_extraction(root) -> dict:
    return next(r for r in current(root).recommendations["recommendations"] if r["task_type"] == "clause_extraction")


def test_find_the_waste_read_the_evidence_approve_and_apply(show, copy):
    at = show(copy)
    assert "Switch clause extraction (contract review) to gpt-5-mini" in said(at)
    at = show(copy, "split", task="Clause extraction (contract review)")
    item = clause_extraction(copy)
    text = said(at)
    assert item["reason"] in text
    assert f"over {item['items']} pairs" in text
    assert "Contract review, clause extraction: frontier 100 % → frontier 95 % and light 5 %" in " ".join(
        [text, *(box.label.replace("\\", "") for box in at.checkbox)]
    )
    assert any("+++ plan/gateway/outlay_routes.yaml" in block.value for block in at.code)
    assert not (copy / ROUTES).exists()
    at.selectbox(key="approver").select("finops-lead").run()
    at.button(key="approve").click().run()
    assert not at.exception
    assert "Version 1 approved by finops-lead (audit row 1)." in said(at)
    assert f"Version 1 is live in {ROUTES}." in said(at)
    assert "Live: version 1" in said(at)
    assert "route/contract_review/clause_extraction" in (copy / ROUTES).read_text()
    events = [json.loads(line)["event"] for line in (copy / AUDIT).read_text().splitlines()]
    assert events == ["approved", "apply_started", "applied"]


def test_approve_and_apply_leaves_the_bytes_and_the_audit_rows_of_the_command_line(show, copy, tmp_path, eight_thirty):
    other = shutil.copytree(copy, tmp_path / "other")
    at = show(copy, "split")
    at.selectbox(key="approver").select("platform-lead").run()
    at.button(key="approve").click().run()
    assert not at.error
    outlay(other, "route", "approve", "--by", "platform-lead")
    outlay(other, "route", "apply")
    for name in (ROUTES, POLICY, AUDIT):
        assert (copy / name).read_bytes() == (other / name).read_bytes(), name
    assert len((copy / AUDIT).read_text().splitlines()) == 3


def test_a_rollback_on_the_command_line_shows_on_the_page(show, copy, eight_thirty):
    at = show(copy, "split")
    at.selectbox(key="approver").select("platform-lead").run()
    at.button(key="approve").click().run()
    assert (copy / ROUTES).exists()
    outlay(copy, "route", "rollback")
    assert not (copy / ROUTES).exists()
    at.run()
    assert "Live: no policy yet" in said(at)


def test_nobody_is_chosen_to_begin_with(show, copy):
    at = show(copy, "split")
    assert at.selectbox(key="approver").value is None
    assert at.button(key="approve").disabled


def test_who_is_no_approver_is_refused_on_the_server(show, copy):
    """A browser can send any name; the list of the page is no guard."""
    recommendations = current(copy).recommendations
    loaded = load_workspace(copy)
    seen = actions.plan(loaded, recommendations).document["plan_id"]
    with pytest.raises(OutlayError, match="may not approve"):
        actions.approve_and_apply(loaded, recommendations, by="mallory", only=None, seen=seen)
    assert not (copy / ROUTES).exists()
    assert not (copy / AUDIT).exists()


def test_a_plan_that_changed_since_it_was_seen_is_refused(show, copy):
    recommendations = current(copy).recommendations
    with pytest.raises(OutlayError, match="changed since you looked"):
        actions.approve_and_apply(load_workspace(copy), recommendations, by="platform-lead", only=None, seen="another")
    assert not (copy / ROUTES).exists()


def test_a_hand_edited_file_is_refused_with_the_reason_on_the_page(show, copy):
    (copy / ROUTES).parent.mkdir(exist_ok=True)
    (copy / ROUTES).write_text("model_list: [{model_name: mine}]\n")
    at = show(copy, "split")
    assert "not written by Outlay" in said(at)
    at.selectbox(key="approver").select("platform-lead").run()
    at.button(key="approve").click().run()
    assert at.error
    assert ROUTES in at.error[0].value.replace("\\", "")
    assert (copy / ROUTES).read_text() == "model_list: [{model_name: mine}]\n"


def test_who_is_signed_in_approves_under_that_address(show, copy, monkeypatch):
    at = show(copy, "split")
    at.user = {"is_logged_in": True, "email": "finops-lead@calder.example", "exp": 4e9}
    at.run()
    assert "Signed in as finops-lead@calder.example" in said(at)
    at.button(key="approve").click().run()
    row = json.loads((copy / AUDIT).read_text().splitlines()[0])
    assert (row["by"], row["by_as_given"], row["identity"]) == (
        "finops-lead",
        "finops-lead@calder.example",
        "signed in",
    )


def test_without_a_target_the_page_says_what_to_add(show, copy):
    text = (copy / "outlay.yaml").read_text()
    head, _, rest = text.partition("  targets:\n")
    (copy / "outlay.yaml").write_text(head + "access:" + rest.partition("access:")[2])
    at = show(copy, "split")
    assert not at.exception
    assert "outlay.yaml names no routing.targets" in said(at)
    assert "task types can move to a cheaper model" in title(at)
