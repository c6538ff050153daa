"""Each number and each question, green and red, on workspaces small enough to work out by hand."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal as D

import pytest

from pipelines.workspace.errors import OutlayError, UsageError
from tests.change.watched import days, watched
from tests.review.towns import CHEAP, DEAR, FIRST, flow, fortnight, question, reviewed, town
from tests.workspaces import Bench


@pytest.fixture
def calm(tmp_path) -> Bench:
    """Two workflows that cost the same in both weeks, are worth it, and run where they are declared to."""
    bench = town(tmp_path, {"review": flow(), "claims": flow("1.00", owner="claims-team")})
    fortnight(bench, "review")
    fortnight(bench, "claims")
    return bench


def test_a_calm_week_is_green_throughout_and_proposes_nothing(calm: Bench):
    r = reviewed(calm)
    assert (r.week, r.provisional, r.why_this_week) == (
        "2026-W42", False, "the last whole week whose outcomes have had their 0 days to arrive by 2026-10-18",
    )  # fmt: skip
    assert [q.state for q in r.questions] == ["green"] * 3
    assert [(q.step, q.command, q.takes) for q in r.questions] == [(None, None, None)] * 3
    n = r.numbers
    assert (n.cost.state, n.cost.index, n.cost.blended_usd) == ("green", 1, D("0.00045"))
    assert n.cost.finding.startswith(
        "The same outcomes cost what they did last week: $0.0004500 an outcome after $0.0004500"
    )
    assert [(f.factor, f.effect_usd) for f in n.cost.bridge] == [
        (name, 0) for name in ("price", "model_mix", "tokens", "attempts", "outcome_mix")
    ]
    assert (n.drift.state, n.drift.open) == ("none", 0)
    assert n.drift.finding == "No workflow is watched yet: a baseline takes 28 mature days with five outcomes or more."
    assert (n.split.state, n.split.finding) == (
        "none", "No policy applied: every task type runs on the model that its code names."
    )  # fmt: skip
    assert (n.bottom.state, n.bottom.workflow) == ("green", "claims")
    assert (r.decisions, r.checked, r.decisions_left_out) == ((), (), 0)


def test_a_model_switch_lands_in_the_model_mix_by_name(tmp_path):
    bench = town(tmp_path, {"review": flow()})
    fortnight(bench, "review", CHEAP, days=7)
    fortnight(bench, "review", DEAR, since=7)
    r = reviewed(bench, "2026-W42")
    effects = {f.factor: f.effect_usd for f in r.numbers.cost.bridge}
    assert r.numbers.cost.blended_usd is not None
    assert r.numbers.cost.blended_before_usd is not None
    assert sum(effects.values()) == r.numbers.cost.blended_usd - r.numbers.cost.blended_before_usd
    assert max(effects, key=lambda name: abs(effects[name])) == "model_mix"
    assert r.numbers.cost.movers[0].name == "review, extraction on gpt-5.4"
    assert r.numbers.cost.state == "red"


def test_dear_capability_on_an_easy_task_is_red_with_the_step_and_its_time(calm: Bench):
    fortnight(calm, "review", DEAR, each=8)
    found = question(reviewed(calm), "capability")
    assert found.state == "red"
    assert "extraction (review) runs on frontier, declared light, $0.4" in found.finding
    assert (found.command, found.takes is None) == (
        "outlay evaluate plan --workflow review --task-type extraction",
        False,
    )


def test_an_undeclared_task_is_red_and_takes_minutes(calm: Bench):
    fortnight(calm, "review", CHEAP, task_type="guessing")
    found = question(reviewed(calm), "capability")
    assert (found.state, found.takes, found.command) == ("red", "minutes", "outlay check")
    assert "guessing (review) is declared by nobody" in found.finding
    assert found.step == "say in outlay.yaml which capability it needs (workflows.review.tasks.guessing)"


@pytest.mark.parametrize(
    ("value", "good", "said", "step"),
    [
        ("0.0001", True, "Review costs more than it is worth: $0.22 per dollar", "lower its cost, stop it"),
        (None, True, "no value is declared for its outcomes", "declare what one document is worth"),
        ("2.00", False, "no outcome was ever reported", "send outcome events of review"),
    ],
)
def test_what_isnt_worth_its_cost_or_cant_be_called_so_is_red(tmp_path, value, good, said, step):
    bench = town(tmp_path, {"review": flow(value)})
    fortnight(bench, "review", good=good)
    found = question(reviewed(bench), "value")
    assert found.state == "red"
    assert said in found.finding
    assert found.step is not None
    assert found.step.startswith(step)
    assert found.takes


def test_a_bottom_that_loses_is_red_and_budget_moves_to_the_top_in_dollars_of_value(tmp_path):
    bench = town(tmp_path, {"review": flow("0.0002", owner="legal"), "claims": flow("2.00")})
    fortnight(bench, "review", input_tokens=2000)
    fortnight(bench, "claims")
    r = reviewed(bench)
    assert (r.numbers.bottom.state, r.numbers.bottom.workflow) == ("red", "review")
    [move] = [d for d in r.decisions if d.kind == "reallocate"]
    assert (move.owner, move.dollars, move.command) == ("legal", "of declared value", "outlay check")
    assert move.edit == "workflows.review.budget and workflows.claims.budget"
    # review spends 42 x $0.0007 in 28 days; a tenth of it in 30 days, at 2 / 0.00045 less 0.0002 / 0.0007
    assert move.usd_month is not None
    assert abs(move.usd_month - D("0.0294") * 30 / 280 * (D(2) / D("0.00045") - D("0.0002") / D("0.0007"))) < D(
        "0.0001"
    )


def test_an_open_alarm_makes_drift_and_change_red_until_it_is_decided(tmp_path):
    bench = watched(tmp_path, mailing={"owner": "post"})
    days(bench, ["0.10"] * 60 + ["0.13"] * 10)
    r = reviewed(bench)
    assert (r.numbers.drift.state, r.numbers.drift.open) == ("red", 2)
    assert [a.kind for a in r.numbers.drift.alarms if a.open] == ["drift", "shock"]
    alarm = r.numbers.drift.alarms[0]
    assert (alarm.before_usd, alarm.after_usd, alarm.month_usd) == (D("0.10"), D("0.13"), D("90"))
    assert "It comes to $90.00 a month more." in r.numbers.drift.finding
    found = question(r, "change")
    assert (found.state, found.command) == ("red", f"outlay acknowledge {alarm.alarm} --by NAME --reason WHY")
    proposed, _ = (d for d in r.decisions if d.kind == "alarm")
    assert (proposed.owner, proposed.usd_month, proposed.command) == ("post", D("90"), found.command)
    bench.lines("decisions.jsonl", [json.dumps({
        "at": "2026-08-10T08:00:00Z", "by": "ops", "kind": "rebase", "workflow": "mailing", "alarm": "drift",
        "detected_day": alarm.detected_day.isoformat(), "reason": "longer letters",
    }) + "\n"])  # fmt: skip
    before = reviewed(bench, run=False)
    assert not [d for d in before.decisions if d.kind == "alarm"], "decided, so it is not asked for again"
    after = reviewed(bench)
    assert (after.numbers.drift.open, question(after, "change").state) == (0, "green")
    [checked] = after.checked
    assert (checked.kind, checked.by, checked.reason, checked.day) == (
        "baseline begun anew", "ops", "longer letters", date(2026, 8, 10),
    )  # fmt: skip


def test_an_alarm_that_comes_back_after_it_was_accepted_is_said(tmp_path):
    bench = watched(tmp_path)
    days(bench, ["0.10"] * 60 + ["0.13"] * 8)
    alarm = next(a for a in reviewed(bench).numbers.drift.alarms if a.open and a.kind == "drift")
    bench.lines("decisions.jsonl", [json.dumps({
        "at": "2026-08-05T08:00:00Z", "by": "ops", "kind": "acknowledge", "workflow": "mailing", "alarm": "drift",
        "detected_day": alarm.detected_day.isoformat(),
    }) + "\n"])  # fmt: skip
    days(bench, ["0.10"] * 60 + ["0.13"] * 16)
    [checked] = reviewed(bench).checked
    assert checked.verdict == "came back"
    assert "Raised again on" in checked.finding


def test_a_budget_at_risk_is_red_with_what_it_is_over_by(tmp_path):
    bench = watched(tmp_path, mailing={"budget": {"monthly_usd": "250"}, "owner": "post"})
    days(bench, ["0.10"] * 49)  # 19 July: 10 dollars a day, 310 in the month
    r = reviewed(bench)
    assert question(r, "change").state == "red"
    [due] = [d for d in r.decisions if d.kind == "budget"]
    assert (due.owner, due.usd_month, due.dollars) == ("post", D("60"), "over budget in 2026-07")
    assert due.edit == "workflows.mailing.budget, with from: a day"


def test_without_owner_the_first_approver_decides_and_without_one_nobody_is_said(calm: Bench):
    assert [w.workflow for w in reviewed(calm).worth] == ["review", "claims"]
    calm.config["workflows"]["review"]["budget"] = {"monthly_usd": "0.001"}
    calm.config["workflows"]["claims"]["budget"] = {"monthly_usd": "0.001"}
    calm.save()
    owners = {d.workflow: d.owner for d in reviewed(calm).decisions}
    assert owners == {"review": "platform-lead", "claims": "claims-team"}
    calm.config["routing"] = {}
    calm.save()
    assert {d.workflow: d.owner for d in reviewed(calm, run=False).decisions}["review"] == "nobody declared"


def test_at_most_seven_decisions_stand_most_dollars_first_and_the_rest_are_counted(tmp_path):
    names = [f"flow{n}" for n in range(9)]
    bench = town(tmp_path, {name: flow(budget={"monthly_usd": "0.001"}) for name in names})
    for n, name in enumerate(names):
        fortnight(bench, name, input_tokens=1000 * (n + 1))
    r = reviewed(bench)
    assert (len(r.decisions), r.decisions_left_out) == (7, 2)
    dollars = [d.usd_month for d in r.decisions if d.usd_month is not None]
    assert dollars == sorted(dollars, reverse=True)
    assert r.decisions[0].workflow == "flow8"


def test_weeks_that_cant_be_reviewed_say_why(calm: Bench):
    calm.run()
    with pytest.raises(UsageError, match=r"2026-W43: is not in the published set; published are 2026-W41 to 2026-W42"):
        reviewed(calm, "2026-W43", run=False)
    short = Bench(calm.root / "short")
    fortnight(short, "review", days=3)
    with pytest.raises(OutlayError, match="no whole week from Monday to Sunday"):
        reviewed(short)
    assert FIRST.weekday() == 0
