"""The page of changes: what it says first, what it lists, what its form records, and what it shows of little data."""

import json
from decimal import Decimal as D

import pytest

from dashboards import actions, formats, names
from pipelines.change.acknowledge import acknowledge
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.workspace.decisions import read_decisions
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.dashboards.reading import cents, frame, frames, metrics, rows, said, title
from tests.workspaces import Bench, call, event

ALARM = "claims_decision:drift:2026-10-30"


def test_the_first_line_says_which_workflow_left_its_range_and_by_how_much(show, sample, published):
    [(change, before, after)] = rows(published, "select change, before_usd, after_usd from drift where status = 'open'")
    at = show(sample, "changes")
    assert title(at) == (
        f"Claims decision costs {formats.share(change)} more per decision since 27\u00a0Oct: {formats.unit_cost(after)} instead of "
        f"{formats.unit_cost(before)}."
    )
    assert metrics(at)["Claims decision"] == (formats.change(change), "1 open alarm")
    assert metrics(at)["Contract review"] == ("0 alarms", "in its range")


def test_every_alarm_ever_raised_is_listed_with_its_status(show, sample, published):
    wanted = rows(
        published,
        "select detected_day, before_usd, after_usd, change, month_usd, status from drift order by status <> 'open', detected_day desc",
    )
    table = frame(show(sample, "changes"), "Raised", "Status")
    titles = ("Raised", "Usual, $ per outcome", "Then, $ per outcome", "Change", "A month, $")
    assert [tuple(row[t] for t in titles) for row in table] == [row[:5] for row in wanted]
    assert [row["Status"] for row in table] == ["Open", *["Closed: back in its range"] * 3]


def test_the_workflow_with_an_open_alarm_is_shown_first_and_another_lives_in_the_address(show, sample, published):
    at = show(sample, "changes")
    assert at.segmented_control(key="workflow").value == "claims_decision"
    [(least,)] = rows(published, "select minimum_detectable from drift_state where workflow = 'contract_review'")
    other = show(sample, "changes", workflow="Contract review")
    assert f"a rise of {formats.share(least)} or more is found within a week in four cases of five" in said(other)


def test_the_bridge_of_two_weeks_adds_up_in_words_and_in_the_table(show, sample, published):
    week = "Week 43 → week 44 (26\u00a0Oct – 1\u00a0Nov\u00a02026)"
    at = show(sample, "changes", week=week, of="Claims decision")
    [(before, after)] = rows(
        published,
        "select distinct before_usd, after_usd from bridge where workflow = 'claims_decision' and week = '2026-W44'",
    )
    assert (
        f"An outcome of claims decision cost {formats.unit_cost(before)} in week 43 and {formats.unit_cost(after)} in week 44"
        in said(at)
    )
    table = frame(at, "Contributor")
    assert sum(row["Effect, $ per outcome"] for row in table) == after - before
    assert {row["Factor"] for row in table} <= {title for title, _ in names.FACTORS.values()}


def test_an_alarm_is_acknowledged_with_a_reason_and_a_name_as_on_the_command_line(show, copy):
    at = show(copy, "changes")
    at.text_input(key=f"reason_{ALARM}").input("Longer claims since the storm")
    at.text_input(key=f"by_{ALARM}").input("claims-lead")
    at.button(key=f"acknowledge_{ALARM}").click().run()
    assert not at.exception
    [made] = read_decisions(copy)
    assert (made.kind, made.workflow, made.alarm, made.by, made.reason) == (
        "acknowledge", "claims_decision", "drift", "claims-lead", "Longer claims since the storm",
    )  # fmt: skip
    assert f"{ALARM} is acknowledged by claims-lead." in said(at)
    assert "Acknowledged by claims-lead: Longer claims since the storm." in said(at)
    assert "outlay run" in [block.value for block in at.code]
    assert not [button for button in at.button if button.label == "Acknowledge"]
    (copy / "decisions.jsonl").unlink()
    done = acknowledge(load_workspace(copy), ALARM, "claims-lead", "Longer claims since the storm")
    by_hand = {k: v for k, v in done.document["decision"].items() if k != "at"}
    assert by_hand == {k: v for k, v in json.loads(made.line()).items() if k != "at"}


def test_after_the_next_run_the_alarm_is_settled_and_the_new_level_is_the_baseline(show, copy):
    at = show(copy, "changes")
    at.text_input(key=f"reason_{ALARM}").input("The new normal")
    at.text_input(key=f"by_{ALARM}").input("claims-lead")
    at.checkbox(key=f"rebase_{ALARM}").check()
    at.button(key=f"acknowledge_{ALARM}").click().run()
    assert read_decisions(copy)[0].kind == "rebase"
    run_workspace(load_workspace(copy), Asked())
    at = show(copy, "changes", workflow="Claims decision")
    assert title(at).startswith("No alarm is open over 3 watched workflows.")
    assert "Not watched yet: " in said(at)
    assert [row["Acknowledged by"] for row in frame(at, "Raised", "Status")][-2:] != []
    assert "claims-lead" in [row["Acknowledged by"] for row in frame(at, "Raised", "Status")]


@pytest.mark.parametrize(
    ("reason", "by", "missing"),
    [("", "", "a reason and your name are"), ("x", " ", "your name is"), (" ", "x", "a reason is")],
)
def test_without_a_reason_or_a_name_nothing_is_recorded(show, copy, reason, by, missing):
    at = show(copy, "changes")
    at.text_input(key=f"reason_{ALARM}").input(reason)
    at.text_input(key=f"by_{ALARM}").input(by)
    at.button(key=f"acknowledge_{ALARM}").click().run()
    assert f"Nothing was recorded: {missing} needed." in said(at)
    assert not (copy / "decisions.jsonl").exists()


def test_who_is_signed_in_acknowledges_under_that_address(show, copy):
    at = show(copy, "changes")
    at.user = {"is_logged_in": True, "email": "finops-lead@calder.example", "exp": 4e9}
    at.run()
    assert "Signed in as finops-lead@calder.example" in said(at)
    at.text_input(key=f"reason_{ALARM}").input("Storm")
    at.button(key=f"acknowledge_{ALARM}").click().run()
    assert [d.by for d in read_decisions(copy)] == ["finops-lead@calder.example"]


def test_an_alarm_that_isnt_open_is_refused_on_the_server(show, copy):
    with pytest.raises(OutlayError, match="closed already"):
        actions.accept_alarm(
            load_workspace(copy), "claims_decision:shock:2026-11-03", by="mallory", reason="x", rebase=False
        )
    assert not (copy / "decisions.jsonl").exists()


def test_one_day_of_data_says_what_is_missing(show, tmp_path):
    bench = Bench(tmp_path)
    bench.calls(call("r1"))
    bench.outcomes(event("e1"))
    bench.run()
    at = show(bench.root, "changes")
    assert not at.exception
    assert title(at) == "No workflow has the 28 mature days with outcomes yet that a usual range needs."
    assert "Not watched yet: " in said(at)
    assert "No alarm was ever raised." in said(at)
    assert "It takes two weeks in a row with outcomes to compare." in said(at)
    assert {delta for _, delta in metrics(at).values()} <= {
        "no outcomes reported",
        "0 of 28 days of baseline",
        "1 of 28 days of baseline",
    }
    assert not [found for found in frames(at) if found and "Raised" in found[0]]


def test_the_effect_in_dollars_is_that_of_the_export(show, sample, published):
    [(month,)] = rows(published, "select month_usd from drift where status = 'open'")
    assert isinstance(month, D)
    assert f"At present outcomes that is {cents(month)} a month more." in said(show(sample, "changes"))
