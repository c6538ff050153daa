"""Lives of units, cost per outcome and failure spend, by hand-worked examples."""

from __future__ import annotations

from tests.workspaces import Bench, call, event


def daily(bench: Bench):
    keys = (
        "day",
        "workflow",
        "outcomes",
        "failed_units",
        "requests",
        "spend_usd",
        "failure_spend_usd",
        "cost_per_outcome_usd",
    )
    return [tuple(r[k] for k in keys) for r in bench.export("daily_cost")]


def units(bench: Bench):
    keys = ("unit_id", "status", "outcome_day", "attempts", "requests", "spend_usd", "value_usd")
    return [tuple(r[k] for k in keys) for r in bench.export("outcome_cost")]


def test_a_failed_attempt_raises_the_cost_of_the_outcome_by_exactly_its_cost(bench: Bench):
    bench.calls(call("r1", attempt_id="1"), call("r2", attempt_id="2"))
    bench.outcomes(event("e1", "failed", attempt_id="1", time="2026-10-20T10:30:00Z"), event("e2", attempt_id="2"))
    bench.run()
    assert daily(bench) == [
        ("2026-10-20", "review", "1", "0", "2", "0.008000000000", "0.004000000000", "0.008000000000")
    ]
    assert units(bench) == [("d1", "good", "2026-10-20", "2", "2", "0.008000000000", "2.000000000000")]


def test_a_rejection_takes_the_outcome_back_on_its_day_and_a_reopening_gives_it_again(bench: Bench):
    bench.calls(call("r1"))
    bench.outcomes(
        event("e1"), event("e2", time="2026-10-20T12:00:00Z"), event("e3", "rejected", time="2026-10-22T09:00:00Z"),
        event("e4", "accepted", time="2026-10-25T09:00:00Z"),
    )  # fmt: skip
    bench.run()
    assert daily(bench) == [
        ("2026-10-20", "review", "1", "0", "1", "0.004000000000", "0.000000000000", "0.004000000000"),
        ("2026-10-22", "review", "-1", "0", "0", "0.000000000000", "0.000000000000", ""),
        ("2026-10-25", "review", "1", "0", "0", "0.000000000000", "0.000000000000", "0.000000000000"),
    ]
    assert units(bench)[0][1:3] == ("good", "2026-10-25")


def test_a_day_of_completion_and_rejection_keeps_its_row(bench: Bench):
    bench.outcomes(event("e1"), event("e2", "rejected", time="2026-10-20T12:00:00Z"))
    bench.run()
    assert daily(bench) == [("2026-10-20", "review", "0", "0", "0", "0.000000000000", "0.000000000000", "")]
    assert units(bench) == [("d1", "rejected", "", "0", "0", "0.000000000000", "")]


def test_events_of_one_instant_are_replayed_failed_completed_accepted_rejected(bench: Bench):
    bench.outcomes(event("a", "rejected"), event("b", "completed"), event("c", "failed"))
    bench.run()
    assert daily(bench)[0][2:4] == ("0", "1")


def test_where_acceptance_is_asked_for_a_completed_unit_is_still_open(bench: Bench):
    claim = {"workflow": "claims", "unit_id": "c1"}
    bench.calls(call("r1", **claim))
    bench.outcomes(event("e1", **claim))
    bench.run()
    assert (daily(bench)[0][2], units(bench)[0][1]) == ("0", "open")
    bench.outcomes(event("e2", "accepted", time="2026-10-23T08:00:00Z", **claim), file="b.jsonl")
    bench.run()
    assert [(r[0], r[2], r[5]) for r in daily(bench)] == [
        ("2026-10-20", "0", "0.004000000000"), ("2026-10-23", "1", "0.000000000000"),
    ]  # fmt: skip


def test_an_unpriced_request_is_counted_and_never_zero(bench: Bench):
    bench.calls(
        call("r1", model="in-house-7"),
        call("r2", unit_id="d2"),
        call("r3", model="in-house-7", unit_id="d3", cost_usd="0.5"),
    )
    document = bench.run()
    assert (document["unpriced_requests"], document["spend_usd"]) == (1, "0.504000000000")
    assert [(r["request_id"], r["cost_basis"], r["cost_usd"]) for r in bench.export("requests")] == [
        ("r1", "unpriced", ""), ("r2", "computed", "0.004000000000"), ("r3", "recorded", "0.500000000000"),
    ]  # fmt: skip
    assert [(r["request_id"], r["sku"], r["quantity"], r["unit_price_usd"], r["amount_usd"]) for r in bench.export("charges")] == [
        ("r1", "input", "1000", "", ""), ("r1", "output", "100", "", ""),
        ("r2", "input", "1000", "0.000002500000000", "0.002500000000"),
        ("r2", "output", "100", "0.000015000000000", "0.001500000000"),
        ("r3", "recorded", "1", "0.500000000000000", "0.500000000000"),
    ]  # fmt: skip
    assert [u[5] for u in units(bench)] == ["", "0.004000000000", "0.500000000000"]


def test_an_outcome_thirty_days_late_touches_only_its_days_and_leaves_a_restatement(bench: Bench):
    bench.calls(*(call(f"r{i}", unit_id=f"d{i}", time=f"2026-10-{i:02}T10:00:00Z") for i in range(1, 31)))
    bench.run()
    bench.outcomes(event("late", unit_id="d1", time="2026-10-01T15:00:00Z"))
    document = bench.run()
    assert document["days"] == ["2026-10-01"]
    assert [(r["day"], r["cause"]) for r in bench.export("restatements")] == [("2026-10-01", "late data")]
    assert daily(bench)[0] == (
        "2026-10-01",
        "review",
        "1",
        "0",
        "1",
        "0.004000000000",
        "0.000000000000",
        "0.004000000000",
    )


def test_spend_without_an_outcome_is_said_and_not_divided(bench: Bench):
    bench.calls(*(call(f"r{i}", unit_id=f"d{i}") for i in range(6)), call("c1", workflow="claims"))
    bench.outcomes(*(event(f"e{i}", "failed", unit_id=f"d{i}") for i in range(6)))
    bench.run()
    assert {r["workflow"]: (r["rank"], r["note"], r["break_even_value_usd"]) for r in bench.export("value_ranking")} == {
        "review": ("", "all failed", ""), "claims": ("", "no outcomes reported; no value declared", ""),
    }  # fmt: skip
    assert daily(bench)[1] == ("2026-10-20", "review", "0", "6", "6", "0.024000000000", "0.024000000000", "")


def test_recent_days_are_provisional(bench: Bench):
    bench.calls(*(call(f"r{i}", time=f"2026-10-{i}T10:00:00Z") for i in range(10, 15)))
    bench.run()
    assert [(r["day"], r["provisional"]) for r in bench.export("daily_cost")] == [
        ("2026-10-10", "false"), ("2026-10-11", "false"), ("2026-10-12", "false"),
        ("2026-10-13", "true"), ("2026-10-14", "true"),
    ]  # fmt: skip


def test_the_days_of_a_clock_change_have_25_and_23_hours_and_lose_nothing(bench: Bench):
    bench.config["reporting"] = {"timezone": "Europe/Berlin"}
    bench.save()
    hours = [f"2026-10-{24 + h // 24}T{h % 24:02}:30:00Z" for h in range(72)]
    bench.calls(*(call(f"r{i}", time=t) for i, t in enumerate(hours)))
    bench.run()
    assert {r["day"]: int(r["requests"]) for r in bench.export("daily_cost")} == {
        "2026-10-24": 22, "2026-10-25": 25, "2026-10-26": 24, "2026-10-27": 1,
    }  # fmt: skip


def test_a_failed_attempt_of_one_unit_costs_every_outcome_its_share(bench: Bench):
    """Three outcomes at $0.004: one more failed attempt of $0.004 raises each by exactly a third of it."""
    bench.calls(*(call(f"r{i}", unit_id=f"d{i}", attempt_id="2") for i in range(3)))
    bench.outcomes(*(event(f"e{i}", unit_id=f"d{i}", attempt_id="2") for i in range(3)))
    bench.run()
    assert daily(bench)[0][5:] == ("0.012000000000", "0.000000000000", "0.004000000000")
    bench.calls(call("failed", unit_id="d0", attempt_id="1"), file="b.jsonl")
    bench.outcomes(
        event("f", "failed", unit_id="d0", attempt_id="1", time="2026-10-20T10:30:00Z"), file="b.jsonl"
    )  # fmt: skip
    bench.run()
    assert daily(bench)[0][5:] == ("0.016000000000", "0.004000000000", "0.005333333333")
    [row] = bench.export("outcome_days")
    assert (row["failure_load_usd"], row["cost_per_outcome_7d_usd"]) == ("0.001333333333", "0.005333333333")


def test_a_failure_that_is_corrected_to_another_day_leaves_the_first(bench: Bench):
    bench.calls(call("r1", unit_id="d2"))
    bench.outcomes(event("e1", "failed", time="2026-10-12T10:00:00Z"), event("e2", unit_id="d2"))
    bench.run()
    assert [(row["day"], row["failed_units"]) for row in bench.export("daily_cost")] == [
        ("2026-10-12", "1"), ("2026-10-20", "0"),
    ]  # fmt: skip
    bench.outcomes(event("e1", "failed", time="2026-10-19T10:00:00Z", unit_id="d3"), file="b.jsonl")
    bench.run()
    assert [(row["day"], row["failed_units"]) for row in bench.export("daily_cost")] == [
        ("2026-10-19", "1"), ("2026-10-20", "0"),
    ]  # fmt: skip
