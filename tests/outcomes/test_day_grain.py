"""Workflows without unit ids: spend and outcome counts meet per day, and never in a statistic of units."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.workspaces import BASE, Bench, call, event

COUNTS = {"name": "counts", "kind": "outcome-counts", "path": "logs/counts/*.jsonl"}
COLUMNS = (
    "day", "workflow", "outcomes", "failed_units", "requests", "spend_usd", "failure_spend_usd", "cost_per_outcome_usd",
)  # fmt: skip


def day_bench(root, **mailing: Any) -> Bench:
    """`mailing` has grain `day`, a dollar an outcome unless said otherwise; `review` has units."""
    declared = {"unit": "letter", "grain": "day", "value": {"per_outcome_usd": "1.00"}, **mailing}
    return Bench(
        root,
        {"sources": [*BASE["sources"], COUNTS], "workflows": {**BASE["workflows"], "mailing": declared}},
    )


def letters(request_id: str, **fields: Any) -> dict[str, Any]:
    """A call of the mailing workflow, $0.004, without a unit."""
    return {k: v for k, v in call(request_id, workflow="mailing").items() if k != "unit_id"} | fields


def count(day: int, completed: int, **fields: Any) -> dict[str, Any]:
    return {"day": f"2026-10-{day:02}", "workflow": "mailing", "completed": completed, **fields}


def daily(bench: Bench) -> list[tuple[str, ...]]:
    return [tuple(r[c] for c in COLUMNS) for r in bench.export("daily_cost")]


def test_spend_and_counts_of_a_day_meet_without_units(tmp_path):
    bench = day_bench(tmp_path)
    bench.calls(letters("r1"), letters("r2"), letters("r3", status="error"), letters("r4", time="2026-10-21T08:00:00Z"))
    bench.lines("logs/counts/a.jsonl", [count(20, 5, failed=2, rejected=1), count(22, 3)])
    document = bench.run()
    assert daily(bench) == [
        ("2026-10-20", "mailing", "4", "2", "3", "0.012000000000", "0.004000000000", "0.003000000000"),
        ("2026-10-21", "mailing", "0", "0", "1", "0.004000000000", "0.000000000000", ""),
        ("2026-10-22", "mailing", "3", "0", "0", "0.000000000000", "0.000000000000", "0.000000000000"),
    ]
    assert bench.export("unattributed") == []
    assert (document["as_of"], document["alerts"], document["not_read"]) == ("2026-10-22", [], {})
    assert document["records"] == {"read": 6, "stored": 6, "duplicate": 0, "superseded": 0, "quarantined": 0}


def test_a_day_workflow_is_in_no_statistic_of_units_and_listed_without_rank(tmp_path):
    bench = day_bench(tmp_path)
    bench.calls(letters("r1", unit_id="tagged"), letters("r2", units=[{"unit_id": "a"}, {"unit_id": "b"}]))
    bench.outcomes(event("e1", workflow="mailing", unit_id="tagged"))
    bench.lines("logs/counts/a.jsonl", [count(20, 8, rejected=1)])
    bench.run()
    assert bench.export("outcome_cost") == []
    with bench.published.connect(
        {"unit_days": (f"from read_parquet('{bench.published.segments('unit_days')[0]}')", {})}
    ) as con:
        assert con.execute("from memory.unit_days").fetchall() == []
    [row] = [r for r in bench.export("value_ranking") if r["workflow"] == "mailing"]
    assert row == {
        "rank": "", "band": "", "workflow": "mailing", "unit": "letter", "outcomes": "7",
        "spend_usd": "0.008000000000", "spend_share": "1.000000000000", "value_usd": "7.000000000000",
        "value_per_usd": "875.000000000000", "low": "", "high": "", "break_even_value_usd": "0.001142857143",
        "note": "no units to compute an interval from",
    }  # fmt: skip
    assert daily(bench)[0][:4] == ("2026-10-20", "mailing", "7", "0")
    period = {"first": date(2026, 10, 20), "last": date(2026, 10, 20)}
    assert row in bench.export("value_ranking", **period)


@pytest.mark.parametrize(
    ("value", "worth"),
    [
        ({"field": "value_usd"}, "12.500000000000"),
        ({"minutes_saved": "6", "hourly_rate_usd": "50"}, "20.000000000000"),
        ([{"per_outcome_usd": "1"}, {"per_outcome_usd": "3", "from": "2026-10-21"}], "8.000000000000"),
    ],
)
def test_the_value_of_a_day_is_as_declared_or_as_counted(tmp_path, value, worth):
    bench = day_bench(tmp_path, value=value)
    bench.calls(letters("r1"))
    bench.lines("logs/counts/a.jsonl", [count(20, 3, rejected=1, value_usd="12.50"), count(21, 2)])
    bench.run()
    with bench.published.connect() as con:
        rows = con.execute("select outcomes, value_usd from workflow_totals where workflow = 'mailing'").fetchall()
    assert [(outcomes, format(value, "f")) for outcomes, value in rows] == [(4, worth)]


def test_no_outcomes_are_reported_only_where_none_ever_arrived(tmp_path):
    bench = day_bench(tmp_path)
    bench.calls(letters("r1"))
    bench.run()

    def note() -> str:
        return next(r["note"] for r in bench.export("value_ranking") if r["workflow"] == "mailing")

    assert note() == "no outcomes reported"
    bench.lines("logs/counts/a.jsonl", [count(20, 0, failed=4)])
    bench.run()
    assert note() == "all failed"
    assert daily(bench) == [
        ("2026-10-20", "mailing", "0", "4", "1", "0.004000000000", "0.000000000000", ""),
    ]


def test_late_counts_touch_only_their_days_and_leave_restatements(tmp_path):
    bench = day_bench(tmp_path)
    bench.calls(*(letters(f"r{d}", time=f"2026-10-{d}T10:00:00Z") for d in (18, 19, 20)))
    bench.lines("logs/counts/a.jsonl", [count(18, 2), count(19, 2), count(20, 2)])
    bench.run()
    bench.lines("logs/counts/b.jsonl", [count(18, 4), count(19, 2)])
    document = bench.run()
    assert document["days"] == ["2026-10-18"]
    assert document["records"] == {"read": 2, "stored": 1, "duplicate": 1, "superseded": 0, "quarantined": 0}
    assert [(r["day"], r["workflow"], r["cause"]) for r in bench.export("restatements")] == [
        ("2026-10-18", "mailing", "late data")
    ]
    assert [(r[0], r[2], r[7]) for r in daily(bench)] == [
        ("2026-10-18", "4", "0.001000000000"), ("2026-10-19", "2", "0.002000000000"),
        ("2026-10-20", "2", "0.002000000000"),
    ]  # fmt: skip


def test_a_workflow_that_changes_its_grain_is_worked_out_anew(tmp_path):
    bench = day_bench(tmp_path, grain="unit")
    bench.calls(call("r1", workflow="mailing"), letters("r2", time="2026-10-21T08:00:00Z"))
    bench.outcomes(event("e1", workflow="mailing"))
    bench.lines("logs/counts/a.jsonl", [count(20, 9), count(23, 1)])
    bench.run()
    assert [r[:4] for r in daily(bench)] == [("2026-10-20", "mailing", "1", "0")]
    bench.config["workflows"]["mailing"]["grain"] = "day"
    bench.save()
    bench.run()
    assert [(r[0], r[2], r[4]) for r in daily(bench)] == [
        ("2026-10-20", "9", "1"), ("2026-10-21", "0", "1"), ("2026-10-23", "1", "0"),
    ]  # fmt: skip
    assert bench.export("outcome_cost") == []
    before = bench.fingerprint()
    bench.run(full=True)
    assert bench.fingerprint() == before


def test_counts_for_a_workflow_that_nobody_declared_are_alerted(tmp_path):
    bench = day_bench(tmp_path)
    bench.lines("logs/counts/a.jsonl", [count(20, 5) | {"workflow": "ghost"}])
    [alert] = bench.run()["alerts"]
    assert (alert["kind"], alert["subject"]) == ("undeclared_workflow", "ghost")
    assert daily(bench) == []


def test_counts_that_can_not_be_used_beside_events_are_said(tmp_path):
    bench = day_bench(tmp_path, grain="unit")
    bench.lines("logs/counts/a.jsonl", [count(20, 5), count(21, 5)])
    assert bench.run()["alerts"] == [
        {
            "day": "2026-10-21", "kind": "reconciliation", "subject": "mailing", "severity": "low",
            "detail": "outcome counts of 2 days are not used: mailing has grain unit and takes outcome events; "
            "declare grain: day if its logs name no units",
        }
    ]  # fmt: skip
    assert daily(bench) == []
