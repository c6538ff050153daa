"""Beside the daily figure: seven days, whole lives, failure load, open work, and what an empty figure means."""

from __future__ import annotations

from tests.outcomes.test_day_grain import count, day_bench, letters
from tests.workspaces import Bench, call, event


def days(bench: Bench, *columns: str, workflow: str = "review") -> list[tuple[str, ...]]:
    return [tuple(r[c] for c in columns) for r in bench.export("outcome_days") if r["workflow"] == workflow]


def test_seven_days_of_spend_meet_seven_days_of_outcomes(bench: Bench):
    bench.calls(*(call(f"r{d}", unit_id=f"d{d}", time=f"2026-10-{d}T10:00:00Z") for d in (10, 13, 16, 17)))
    bench.outcomes(
        event("e1", unit_id="d10", time="2026-10-16T11:00:00Z"), event("e2", unit_id="d13", time="2026-10-16T11:00:00Z"),
        event("e3", "rejected", unit_id="d13", time="2026-10-24T11:00:00Z"),
    )  # fmt: skip
    bench.run()
    assert days(bench, "day", "spend_7d_usd", "outcomes_7d", "cost_per_outcome_7d_usd") == [
        ("2026-10-10", "0.004000000000", "0", ""),
        ("2026-10-13", "0.008000000000", "0", ""),
        ("2026-10-16", "0.012000000000", "2", "0.006000000000"),
        ("2026-10-17", "0.012000000000", "2", "0.006000000000"),  # the 10th is eight days back
        ("2026-10-24", "0.000000000000", "-1", ""),
    ]


def test_the_lifetime_cost_of_a_days_good_units_has_all_that_they_ever_cost(bench: Bench):
    """Four units that cost 1, 2, 3 and 5 calls, over three days; one is taken back and leaves."""
    calls = {"d1": 1, "d2": 2, "d3": 3, "d4": 5, "d5": 9}
    bench.calls(
        *(
            call(f"{unit}-{i}", unit_id=unit, time=f"2026-10-{18 + i % 3}T09:00:00Z")
            for unit, number in calls.items()
            for i in range(number)
        )
    )
    bench.outcomes(
        *(event(f"e{unit}", unit_id=unit) for unit in calls),
        event("back", "rejected", unit_id="d5", time="2026-10-21T10:00:00Z"),
    )
    bench.run()
    assert days(bench, "day", "outcomes", "good_units", "lifetime_median_usd", "lifetime_p95_usd")[2:] == [
        ("2026-10-20", "5", "4", "0.008000000000", "0.020000000000"),
        ("2026-10-21", "-1", "0", "", ""),
    ]


def test_failure_load_is_what_failed_attempts_add_to_a_good_outcome(bench: Bench):
    bench.calls(
        call("r1", attempt_id="1"), call("r2", attempt_id="2"), call("r3", unit_id="d2"),
        call("r4", unit_id="lost"), call("r5", unit_id="lost"),
    )  # fmt: skip
    bench.outcomes(
        event("e1", "failed", attempt_id="1", time="2026-10-20T10:30:00Z"), event("e2", attempt_id="2"),
        event("e3", unit_id="d2"), event("e4", "failed", unit_id="lost"),
    )  # fmt: skip
    bench.run()
    columns = ("cost_per_outcome_usd", "failure_spend_usd", "failure_load_usd", "failure_load_7d_usd")
    assert days(bench, *columns) == [("0.010000000000", "0.012000000000", "0.006000000000", "0.006000000000")]


def test_all_failed_is_said_of_a_day_and_no_outcomes_reported_of_a_workflow(bench: Bench):
    bench.calls(call("r1"), call("r2", workflow="claims"), call("r3", unit_id="d3", time="2026-10-24T10:00:00Z"))
    bench.outcomes(event("e1", "failed"), event("e3", unit_id="d3", time="2026-10-24T10:30:00Z"))
    bench.run()
    flags = [(r["day"], r["workflow"], r["cost_per_outcome_usd"], r["flag"]) for r in bench.export("daily_cost")]
    assert flags == [
        ("2026-10-20", "claims", "", "no outcomes reported"),
        ("2026-10-20", "review", "", "all failed"),
        ("2026-10-24", "review", "0.004000000000", ""),
    ]
    assert days(bench, "day", "flag", "provisional") == [
        ("2026-10-20", "all failed", "false"), ("2026-10-24", "", "true")
    ]  # fmt: skip
    bench.outcomes(event("e4", "completed", workflow="claims"), file="b.jsonl")
    bench.run()  # it needs acceptance: an event arrived, and still nothing is good
    assert bench.export("daily_cost")[0]["flag"] == "all failed"


def test_a_day_workflow_has_no_lifetime_figures(tmp_path):
    bench = day_bench(tmp_path)
    bench.calls(letters("r1"), letters("r2", status="error"))
    bench.lines("logs/counts/a.jsonl", [count(20, 4, failed=1)])
    bench.run()
    columns = ("cost_per_outcome_7d_usd", "good_units", "lifetime_median_usd", "failure_load_usd", "flag")
    assert days(bench, *columns, workflow="mailing") == [("0.002000000000", "0", "", "0.001000000000", "")]
    assert bench.export("work_in_progress") == []


def test_open_work_stands_by_age_with_what_it_cost(bench: Bench):
    bench.calls(
        *(call(f"r{d}", unit_id=f"d{d}", time=f"2026-10-{d:02}T10:00:00Z") for d in (1, 10, 20, 28, 29)),
        call("r30", unit_id="d30", time="2026-10-29T10:00:00Z"),
        call("c1", workflow="claims", unit_id="c1"), call("c2", workflow="claims", unit_id="c2", model="in-house-7"),
    )  # fmt: skip
    bench.outcomes(
        event("e1", unit_id="d20", time="2026-10-20T11:00:00Z"), event("e2", unit_id="c1", workflow="claims"),
    )  # fmt: skip
    bench.run()
    keys = ("workflow", "age", "units", "awaiting_acceptance", "spend_usd", "oldest_day", "flag")
    assert [tuple(r[k] for k in keys) for r in bench.export("work_in_progress")] == [
        ("claims", "7-27 days", "2", "1", "0.004000000000", "2026-10-20", ""),
        ("review", "0-1 days", "3", "0", "0.012000000000", "2026-10-28", ""),
        ("review", "7-27 days", "1", "0", "0.004000000000", "2026-10-10", ""),
        ("review", "28+ days", "1", "0", "0.004000000000", "2026-10-01", ""),
    ]


def test_an_outcome_that_comes_late_moves_the_days_it_belongs_to(bench: Bench):
    bench.calls(*(call(f"r{d}", unit_id=f"d{d}", time=f"2026-10-{d:02}T10:00:00Z") for d in range(1, 31)))
    bench.run()
    before = bench.export("outcome_days")
    bench.outcomes(event("late", unit_id="d1", time="2026-10-01T15:00:00Z"))
    bench.run()
    moved = [
        new["day"]
        for old, new in zip(before, bench.export("outcome_days"), strict=True)
        if old | {"flag": ""} != new | {"flag": ""}
    ]
    assert moved == [f"2026-10-{d:02}" for d in range(1, 8)]  # its own day, and the six whose seven days hold it
