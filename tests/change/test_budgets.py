"""Budgets: what counts against them, which one holds, where the month ends, and on which day it runs out."""

from __future__ import annotations

import math
import os
from datetime import date, timedelta
from decimal import Decimal as D
from fractions import Fraction

import numpy as np
import pytest

from pipelines.change.budgets import Spent, Subject, days_of, rows_of
from pipelines.change.forecast import ahead, weekday_factors
from pipelines.change.series import Day
from pipelines.workspace.errors import UsageError
from pipelines.workspace.work import Budget, ScopedBudget
from tests.change.simulated import MONDAY, VOLUME
from tests.change.watched import days, watched
from tests.workspaces import BASE, Bench, call, event

SERIES = 200 if os.environ.get("OUTLAY_FULL") else 60


def budget(**fields) -> Budget:
    return Budget.model_validate(fields)


def even(usd: str, first: date, last: date) -> dict[date, Spent]:
    count = (last - first).days + 1
    return {first + timedelta(days=n): Spent(D(usd), D(0)) for n in range(count)}


def row(subject: Subject, spent: dict[date, Spent], as_of: date, outcomes: list[Day] | None = None) -> dict:
    return list(rows_of(subject, spent, outcomes or [], as_of))[-1]


def test_even_spend_is_forecast_exactly_and_runs_out_on_its_day():
    spent = even("10", date(2026, 9, 1), date(2026, 11, 10))
    found = row(Subject("workflow", "w", (budget(monthly_usd="250"),)), spent, date(2026, 11, 10))
    assert found == {
        "workflow": "w", "month": "2026-11", "budget_usd": D(250), "spend_to_date_usd": D(100), "forecast_usd": D(300),
        "forecast_low_usd": D(300), "forecast_high_usd": D(300), "status": "at risk", "scope": "workflow", "value": "w",
        "run_out_day": date(2026, 11, 26), "unattributed_usd": D(0), "per_outcome_budget_usd": None,
        "cost_per_outcome_usd": None, "per_outcome_status": None, "final": False, "note": None,
    }  # fmt: skip
    assert (
        row(Subject("workflow", "w", (budget(monthly_usd="300"),)), spent, date(2026, 11, 10))["status"] == "on track"
    )
    over = row(Subject("workflow", "w", (budget(monthly_usd="99"),)), spent, date(2026, 11, 10))
    assert (over["status"], over["run_out_day"]) == ("over", date(2026, 11, 10))


def test_the_days_of_a_month_add_up_to_its_row_and_their_band_opens_from_as_of():
    usd = [D(10 + n * n % 11) for n in range(71)]  # 1 September to 10 November
    spent = {date(2026, 9, 1) + timedelta(days=n): Spent(one, D(0)) for n, one in enumerate(usd)}
    november = row(Subject("workflow", "w", (budget(monthly_usd="300"),)), spent, date(2026, 11, 10))
    found = list(days_of(november, spent, date(2026, 11, 10)))
    assert [d["day"] for d in found] == [date(2026, 11, 1) + timedelta(days=n) for n in range(30)]
    assert [d["day_usd"] for d in found[:10]] == usd[61:]
    assert found[9]["spent_usd"] == sum(usd[61:]) == november["spend_to_date_usd"]
    assert {d["spent_usd"] for d in found[10:]} == {None}
    ends = ("forecast_usd", "forecast_low_usd", "forecast_high_usd")
    assert [found[-1][end] for end in ends] == [november[end] for end in ends]
    widths = [d["forecast_high_usd"] - d["forecast_low_usd"] for d in found[10:]]
    assert widths == sorted(widths)
    assert all(d["forecast_low_usd"] < d["forecast_usd"] < d["forecast_high_usd"] for d in found[10:])


def test_the_days_of_a_past_month_are_all_spent_and_days_without_spend_count():
    spent = {date(2026, 10, 2): Spent(D(5), D(0)), date(2026, 11, 3): Spent(D(1), D(0))}
    october = next(rows_of(Subject("total", "*", (budget(monthly_usd="9"),)), spent, [], date(2026, 11, 3)))
    found = list(days_of(october, spent, date(2026, 11, 3)))
    assert [(d["day_usd"], d["spent_usd"], d["forecast_usd"]) for d in found] == [
        (0, 0, None),
        (5, 5, None),
        *[(0, 5, None)] * 29,
    ]


def test_past_months_are_judged_by_what_was_spent():
    spent = even("10", date(2026, 9, 15), date(2026, 11, 10))
    subject = Subject("workflow", "w", (budget(monthly_usd="300"),))
    found = list(rows_of(subject, spent, [], date(2026, 11, 10)))
    assert [(r["month"], r["spend_to_date_usd"], r["forecast_usd"], r["status"], r["final"]) for r in found] == [
        ("2026-09", 160, 160, "on track", True), ("2026-10", 310, 310, "over", True),
        ("2026-11", 100, 300, "on track", False),
    ]  # fmt: skip
    assert found[1]["run_out_day"] == date(2026, 10, 31)
    assert found[1]["forecast_low_usd"] == found[1]["forecast_high_usd"] == 310


def test_the_last_day_of_a_month_leaves_nothing_to_forecast():
    found = row(
        Subject("total", "*", (budget(monthly_usd="300"),)), even("10", MONDAY, date(2026, 11, 30)), date(2026, 11, 30)
    )
    assert (found["workflow"], found["forecast_usd"], found["forecast_high_usd"], found["final"]) == (
        "*",
        300,
        300,
        False,
    )


def test_a_month_has_the_budget_in_force_on_its_last_day():
    spent = even("1", date(2026, 8, 1), date(2026, 11, 10))
    entries = (budget(monthly_usd="40", **{"from": "2026-10-15"}), budget(monthly_usd="20", **{"from": "2026-09-01"}))
    found = list(rows_of(Subject("workflow", "w", entries), spent, [], date(2026, 11, 10)))
    assert [(r["month"], r["budget_usd"]) for r in found] == [("2026-09", 20), ("2026-10", 40), ("2026-11", 40)]


def test_a_short_history_has_a_mean_and_no_interval_and_none_has_no_forecast():
    subject = Subject("workflow", "w", (budget(monthly_usd="300"),))
    found = row(subject, even("10", date(2026, 11, 1), date(2026, 11, 10)), date(2026, 11, 10))
    assert (found["forecast_usd"], found["forecast_low_usd"], found["note"]) == (
        300, None, "less than 14 days of history: a plain mean, no interval",
    )  # fmt: skip
    found = row(subject, even("10", date(2026, 11, 10), date(2026, 11, 10)), date(2026, 11, 10))
    assert (found["forecast_usd"], found["status"], found["note"]) == (
        None, "on track", "no whole day of history: no forecast",
    )  # fmt: skip


def test_what_has_no_price_is_never_a_spend_of_0():
    # twenty days like those before would use it up
    subject, as_of = Subject("workflow", "w", (budget(monthly_usd="50"),)), date(2026, 11, 10)
    unknown = Spent(None, None)
    known = even("10", date(2026, 9, 1), date(2026, 10, 31))
    spent = known | dict.fromkeys(even("0", date(2026, 11, 2), as_of), unknown)
    found = row(subject, spent, as_of)
    assert [found[c] for c in ("spend_to_date_usd", "unattributed_usd", "forecast_usd", "run_out_day", "status")] == [
        None
    ] * 5
    assert found["note"] == "nothing used on 9 days has a price; neither spend nor forecast is known"
    of_days = list(days_of(found, spent, as_of))
    assert [(d["day_usd"], d["spent_usd"]) for d in of_days[:2]] == [(0, 0), (None, None)]
    assert len(of_days) == 10
    spent[date(2026, 11, 3)] = Spent(D(400), D(0))
    found = row(subject, spent, as_of)
    assert (found["spend_to_date_usd"], found["status"], found["run_out_day"]) == (400, "over", date(2026, 11, 3))
    assert found["note"] == "nothing used on 8 days has a price"


@pytest.mark.parametrize(
    ("amounts", "together"), [([], 0), (["0", "0"], 0), (["0", None], None), (["2", None], 2), ([None], None)]
)
def test_a_month_of_a_budget_sums_what_is_known(amounts, together):
    spent = {
        date(2026, 11, n): Spent(D(1), None if amount is None else D(amount)) for n, amount in enumerate(amounts, 1)
    }
    spent[date(2026, 10, 1)] = Spent(D(7), D(7))
    found = row(Subject("workflow", "w", (budget(monthly_usd="300"),)), spent, date(2026, 11, 10))
    assert found["unattributed_usd"] == together


def test_as_of_may_not_be_over_and_does_not_pull_the_forecast_down():
    spent = even("10", date(2026, 9, 1), date(2026, 11, 10))
    spent[date(2026, 11, 10)] = Spent(D(1), D(0))
    found = row(Subject("workflow", "w", (budget(monthly_usd="300"),)), spent, date(2026, 11, 10))
    assert (found["spend_to_date_usd"], found["forecast_usd"]) == (91, 291)


def test_the_cost_per_outcome_is_that_of_mature_days():
    first = date(2026, 11, 1)
    outcomes = [
        Day(first, D(3), 10),
        Day(first + timedelta(days=1), D(5), 0),
        Day(first + timedelta(days=2), D(99), 1, False),
    ]
    subject = Subject("workflow", "w", (budget(per_outcome_usd="0.75"),))
    found = row(subject, even("10", first, date(2026, 11, 3)), date(2026, 11, 3), outcomes)
    assert (found["cost_per_outcome_usd"], found["per_outcome_status"], found["status"], found["budget_usd"]) == (
        D("0.8"), "over", "over", None,
    )  # fmt: skip


def test_days_without_spend_are_part_of_history():
    weekdays = {d: s for d, s in even("10", date(2026, 9, 7), date(2026, 11, 8)).items() if d.weekday() < 5}
    found = row(Subject("workflow", "w", (budget(monthly_usd="300"),)), weekdays, date(2026, 11, 8))
    # 5 weekdays so far, 16 to come; weekends cost nothing
    assert (found["spend_to_date_usd"], found["forecast_usd"]) == (50, 210)


def test_weekday_factors_undo_a_weekly_pattern_of_a_growing_series():
    shape = [1.0, 1.2, 1.1, 1.0, 0.9, 0.4, 0.4]
    shares = [shape[n % 7] * math.exp(0.004 * n) for n in range(56)]
    found = weekday_factors(shares, [n % 7 for n in range(56)])
    mean = math.fsum(shape) / 7
    assert found == pytest.approx([value / mean for value in shape], rel=0.01)


def test_the_order_of_spend_in_the_ledger_and_its_scale_are_no_matter():
    usd = [D(7 + (n * 37) % 11) for n in range(40)]
    history = [(MONDAY + timedelta(days=n), one) for n, one in enumerate(usd)]
    coming = [MONDAY + timedelta(days=40 + n) for n in range(12)]
    once = ahead(history, coming)
    tenfold = ahead([(day, one * 10) for day, one in history], coming)
    assert once is not None
    assert tenfold is not None
    assert tenfold.low is not None
    assert once.low is not None
    assert (tenfold.total, tenfold.low) == (once.total * 10, once.low * 10)
    assert isinstance(once.total, Fraction)


@pytest.mark.slow
@pytest.mark.parametrize(("history", "days_left"), [(14, 20), (28, 12), (56, 25), (56, 5)])
def test_the_90_percent_interval_holds_the_month_in_at_least_85_percent_of_growing_series(history, days_left):
    """Weekly pattern, growth from -10 to +25 % a month, a day's noise of 12 % that partly lasts to the next day."""
    held, errors = 0, []
    for seed in range(SERIES):
        rng = np.random.default_rng(seed)
        growth, carried, usd = rng.uniform(-0.10, 0.25), 0.0, []
        for n in range(history + days_left):
            carried = 0.3 * carried + rng.normal(0, 0.12 * math.sqrt(1 - 0.09))
            usd.append(D(f"{100 * VOLUME[n % 7] * math.exp(growth * n / 30 + carried):.12f}"))
        known = [(MONDAY + timedelta(days=n), usd[n]) for n in range(history)]
        found = ahead(known, [MONDAY + timedelta(days=history + n) for n in range(days_left)])
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        came = Fraction(sum(usd[history:], D(0)))
        held += found.low <= came <= found.high
        errors.append(float(found.total / came) - 1)
    assert held / SERIES >= 0.85
    assert abs(math.fsum(errors) / SERIES) < 0.10


def test_workflow_team_and_total_count_what_carries_them(tmp_path):
    bench = Bench(
        tmp_path,
        {
            "tags": {"team": ["team"]},
            "workflows": {"review": {**BASE["workflows"]["review"], "budget": {"monthly_usd": "0.009", "per_outcome_usd": "0.01"}}},
            "budgets": [
                {"dimension": "total", "monthly_usd": "1"},
                {"dimension": "team", "value": "legal", "monthly_usd": "0.001"},
                {"dimension": "team", "value": "nobody", "monthly_usd": "5"},
            ],
        },
    )  # fmt: skip
    bench.calls(
        call("r1", team="legal"),
        call("r2", unit_id="d2"),
        {k: v for k, v in call("r3", team="legal").items() if k != "unit_id"},  # no unit bears it
        {k: v for k, v in call("r4").items() if k != "workflow"},
    )
    bench.outcomes(event("e1"), event("e2", time="2026-10-24T10:00:00Z", unit_id="d2"))
    bench.run()
    columns = ("scope", "value", "workflow", "month", "spend_to_date_usd", "unattributed_usd", "status", "run_out_day")
    assert [tuple(r[c] for c in columns) for r in bench.export("budgets")] == [
        ("workflow", "review", "review", "2026-10", "0.012000000000", "0.004000000000", "over", "2026-10-20"),
        ("team", "legal", "*", "2026-10", "0.008000000000", "0.004000000000", "over", "2026-10-20"),
        ("total", "*", "*", "2026-10", "0.016000000000", "0.008000000000", "on track", ""),
    ]
    [review, _, total] = bench.export("budgets")
    assert (review["cost_per_outcome_usd"], review["per_outcome_status"]) == ("0.008000000000", "on track")
    assert (total["cost_per_outcome_usd"], total["per_outcome_status"]) == ("", "")
    alerts = {r["subject"]: (r["day"], r["severity"]) for r in bench.export("alerts") if r["kind"] == "budget"}
    assert alerts == {"review": ("2026-10-20", "high"), "team=legal": ("2026-10-20", "high")}


def test_a_changed_budget_is_applied_by_the_next_run_and_an_alert_says_when_it_runs_out(tmp_path):
    bench = watched(tmp_path)
    days(bench, ["0.10"] * 43)  # ten dollars a day from 1 June to 13 July
    bench.run()
    assert bench.export("budgets") == []
    bench.config["workflows"]["mailing"]["budget"] = {"monthly_usd": "200", "per_outcome_usd": "0.09"}
    bench.save()
    bench.run()
    [june, july] = bench.export("budgets")
    assert (june["status"], june["final"], june["spend_to_date_usd"]) == ("over", "true", "300.000000000000")
    assert (july["forecast_usd"], july["run_out_day"], july["per_outcome_status"]) == (
        "310.000000000000",
        "2026-07-21",
        "over",
    )
    [alert] = [r for r in bench.export("alerts") if r["kind"] == "budget"]
    assert (alert["day"], alert["subject"], alert["severity"]) == ("2026-07-01", "mailing", "medium")
    assert alert["detail"] == (
        "2026-07: $130.00 of $200.00 spent, forecast $310.00 (90 %: 302.06 to 318.30), used up on 2026-07-21; "
        "an outcome costs $0.1000, planned were $0.09000"
    )
    assert [r["month"] for r in bench.export("budgets", first=date(2026, 7, 1))] == ["2026-07"]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"dimension": "workflow", "value": "review", "monthly_usd": "1"}, "stands in its own"),
        ({"dimension": "total", "value": "x", "monthly_usd": "1"}, "dimension: total without one"),
        ({"dimension": "team", "monthly_usd": "1"}, "expected a value of the dimension"),
        ({"dimension": "team", "value": "legal", "monthly_usd": "1"}, "unknown dimension 'team'"),
        ({"dimension": "total"}, "budgets.0.monthly_usd: required"),
    ],
)
def test_a_budget_of_nothing_is_refused(tmp_path, entry, says):
    bench = Bench(tmp_path, {"budgets": [entry]})
    with pytest.raises(UsageError, match=says):
        _ = bench.loaded


def test_scoped_budgets_have_dates_too():
    entries = (
        ScopedBudget.model_validate({"dimension": "team", "value": "a", "monthly_usd": "1"}),
        ScopedBudget.model_validate({"dimension": "team", "value": "a", "monthly_usd": "2", "from": "2026-11-01"}),
    )
    found = list(
        rows_of(Subject("team", "a", entries), even("1", date(2026, 10, 1), date(2026, 11, 2)), [], date(2026, 11, 2))
    )
    assert [r["budget_usd"] for r in found] == [1, 2]
