"""Alarms: what raises one, what closes it, what people decide; and the marts that show it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from fractions import Fraction

import pytest

from pipelines.change.alarms import Course, replay
from pipelines.change.detectors import FULL_BASELINE, SHORT_BASELINE, SHORT_MARGIN, Cusum, baseline
from pipelines.change.power import detectable_shift, power
from pipelines.change.series import Day
from pipelines.workspace.decisions import Decision
from tests.change.simulated import MONDAY, flat, series
from tests.change.watched import days, watched


def on(n: int) -> date:
    return MONDAY + timedelta(days=n)


def told(course: Course) -> list[tuple]:
    return [(a.kind, (a.detected_day - MONDAY).days, a.status) for a in course.alarms]


def decided(kind: str, n: int, **fields) -> Decision:
    return Decision.model_validate(
        {"at": datetime(2026, 12, 1, tzinfo=UTC), "effective_at": f"{on(n)}T00:00:00Z", "by": "ann", "kind": kind,
         "workflow": "w", **fields}
    )  # fmt: skip


def test_a_single_bad_day_is_a_shock_that_closes_by_itself_and_no_drift():
    course = replay("w", flat(["1"] * 60 + ["2"] + ["1"] * 10))
    assert told(course) == [("shock", 60, "closed")]
    [alarm] = course.alarms
    assert (alarm.before_usd, alarm.after_usd, alarm.change, alarm.closed_day) == (1, 2, D("1.000000000000"), on(61))
    assert (alarm.name, alarm.month_usd) == (f"w:shock:{on(60)}", D("3000.000000000000"))


def test_a_cheaper_day_is_a_shock_too():
    assert told(replay("w", flat(["1"] * 60 + ["0.5", "1"]))) == [("shock", 60, "closed")]


def test_a_shock_stays_one_alarm_until_a_day_is_back_in_the_band():
    course = replay("w", flat(["1"] * 60 + ["2", "3", "0.5"]))
    assert [a for a in told(course) if a[0] == "shock"] == [("shock", 60, "open")]
    course = replay("w", flat(["1"] * 60 + ["2", "1", "1", "1", "2"]))
    assert told(course) == [("shock", 60, "closed"), ("shock", 64, "open")]


def test_a_lasting_step_is_a_drift_that_stays_open_and_is_raised_once():
    course = replay("w", flat(["1"] * 60 + ["1.02"] * 30))
    assert told(course) == [("drift", 64, "open")]
    [alarm] = course.alarms
    assert (alarm.since, alarm.before_usd, alarm.after_usd) == (on(60), 1, Fraction("1.02"))


def test_a_fall_is_a_drift_too():
    assert told(replay("w", flat(["1"] * 60 + ["0.98"] * 9))) == [("drift", 63, "open")]


def test_what_is_provisional_or_has_few_outcomes_is_left_alone():
    quiet = flat(["1"] * 60)
    few = Day(on(60), D(90), 4)
    young = Day(on(61), D(900), 100, mature=False)
    course = replay("w", [*quiet, few, young])
    assert course.alarms == []
    assert [p.phase for p in course.points[-3:]] == ["watched", "few outcomes", "provisional"]
    assert len(course.stretch) == 60


def test_nothing_is_judged_before_28_days_and_56_days_make_the_baseline():
    course = replay("w", flat(["1"] * 27))
    assert (course.known, {p.phase for p in course.points}) == (None, {"baseline"})
    course = replay("w", flat(["1"] * 40))
    assert course.known is not None
    assert len(course.known.days) == SHORT_BASELINE
    assert [p.phase for p in course.points].count("watched") == 12
    course = replay("w", flat(["1"] * 90))
    assert course.known is not None
    assert [d.day for d in course.known.days] == [on(n) for n in range(FULL_BASELINE)]


def test_a_drift_under_the_short_baseline_keeps_it():
    course = replay("w", flat(["1"] * 35 + ["1.05"] * 60))
    assert course.known is not None
    assert len(course.known.days) == SHORT_BASELINE
    assert [a for a in told(course) if a[0] == "drift"] == [("drift", 36, "open")]


def test_the_short_baseline_asks_for_more():
    days = series(3, 56)
    short, full = baseline(days[:28]), baseline(days)
    assert short.widened[0] > full.widened[0] * SHORT_MARGIN * 0.95


def test_the_weekday_is_taken_out():
    costs = ["1", "1", "1", "1", "1", "1.5", "1.5"] * 12
    course = replay("w", flat(costs))
    assert course.alarms == []
    assert replay("w", flat(["1"] * 75 + ["1.5"])).alarms[0].detected_day == on(75)


def test_days_day_by_day_raise_what_all_days_at_once_raise():
    days = series(11, 120, step=0.2, step_at=80)
    whole = replay("w", days)
    for n in (40, 70, 90, 120):
        part = replay("w", days[:n])
        assert [a.name for a in part.alarms] == [a.name for a in whole.alarms if a.detected_day < on(n)]
        assert part.points == whole.points[:n]
    assert [a.kind for a in whole.alarms].count("drift") >= 1


def test_an_acknowledged_drift_is_raised_anew_when_the_cost_stays_away():
    costs = ["1"] * 60 + ["1.02"] * 30
    course = replay("w", flat(costs), [decided("acknowledge", 70, alarm="drift", detected_day=str(on(64)))])
    assert told(course) == [("drift", 64, "acknowledged"), ("drift", 74, "open")]
    assert (course.alarms[0].acknowledged_by, course.alarms[0].closed_day) == ("ann", on(70))
    # decided after the last day: nothing new is raised
    course = replay("w", flat(costs), [decided("acknowledge", 95, alarm="drift", detected_day=str(on(64)))])
    assert told(course) == [("drift", 64, "acknowledged")]


def test_an_acknowledgement_finds_its_alarm_where_late_data_moved_the_day():
    costs = flat(["1"] * 60 + ["1.02"] * 30)
    course = replay("w", costs, [decided("acknowledge", 95, alarm="drift", detected_day=str(on(66)))])
    assert told(course) == [("drift", 64, "acknowledged")]


def test_an_acknowledged_shock_is_not_raised_again_while_it_lasts():
    costs = flat(["1"] * 60 + ["2"] * 6 + ["1"] * 30 + ["2"])
    decision = decided("acknowledge", 62, alarm="shock", detected_day=str(on(60)))
    shocks = [a for a in told(replay("w", costs, [decision])) if a[0] == "shock"]
    assert shocks == [("shock", 60, "acknowledged"), ("shock", 96, "open")]


def test_rebasing_accepts_the_new_level_and_begins_where_the_alarm_was_raised():
    costs = flat(["1"] * 60 + ["1.2"] * 70 + ["1.5"])
    decision = decided("rebase", 75, alarm="drift", detected_day=str(on(61)))
    course = replay("w", costs, [decision])
    # what was raised on the old baseline stays; the new one begins on day 61 and has 28 days on day 88
    assert told(course) == [("shock", 60, "acknowledged"), ("drift", 61, "acknowledged"), ("shock", 130, "open")]
    assert course.known is not None
    assert (course.known.days[0].day, len(course.known.days)) == (on(61), FULL_BASELINE)
    watched_again = next(p for p in course.points if p.day.day > on(75) and p.phase == "watched")
    assert watched_again.day.day == on(61 + SHORT_BASELINE)


def test_rebasing_without_an_alarm_begins_on_the_day_from_which_it_holds():
    course = replay("w", flat(["1"] * 60 + ["1.001"] * 40), [decided("rebase", 70)])
    assert course.known is not None
    assert course.known.days[0].day == on(70)
    assert replay("w", flat(["1"] * 60), [decided("rebase", 70)]).stretch == []


def test_decisions_about_other_workflows_and_references_change_nothing():
    days = flat(["1"] * 60 + ["1.02"] * 30)
    others = [decided("rebase", 75, task_type="drafting"), decided("rebase", 75).model_copy(update={"workflow": "x"})]
    assert told(replay("w", days, others)) == [("drift", 64, "open")]


def test_a_cusum_counts_no_day_for_more_than_four():
    once = Cusum().after(50.0, on(0))
    assert (once.up, once.down, once.crossed) == (3.5, 0.0, None)
    twice = once.after(50.0, on(1))
    assert (twice.up, twice.crossed, twice.up_since) == (7.0, on(0), on(0))
    assert twice.after(-50.0, on(2)).down == 3.5


def test_the_power_of_a_step_grows_with_its_size_and_with_days():
    assert power(0.0, 7) < 0.01 < power(1.0, 7) < power(2.0, 7) < power(2.0, 14) <= 1
    # 200,000 seeded series give 0.800 at this shift
    assert abs(detectable_shift(7) - 1.630813) < 1e-4
    assert detectable_shift(1) > 4


@pytest.mark.parametrize("reverse", [False, True])
def test_the_published_marts_hold_the_alarm_and_what_could_be_seen(tmp_path, reverse):
    bench = watched(tmp_path)
    costs = ["0.10"] * 60 + ["0.13"] * 8
    if reverse:  # in two files, the later days first
        days(bench, costs[40:], on(40), file="a.jsonl")
        bench.run()
        days(bench, costs[:40], file="b.jsonl")
    else:
        days(bench, costs)
    document = bench.run()
    assert document["as_of"] == str(on(67))
    rows = bench.export("drift")
    assert [(r["workflow"], r["detected_day"], r["kind"], r["status"]) for r in rows] == [
        ("mailing", str(on(60)), "shock", "open"), ("mailing", str(on(61)), "drift", "open"),
    ]  # fmt: skip
    assert rows[1] == {
        "workflow": "mailing", "detected_day": str(on(61)), "kind": "drift", "before_usd": "0.100000000000",
        "after_usd": "0.130000000000", "change": "0.300000000000", "status": "open",
        "minimum_detectable": rows[0]["minimum_detectable"], "alarm": f"mailing:drift:{on(61)}",
        "since_day": str(on(60)), "closed_day": "", "acknowledged_by": "", "reason": "",
        "month_usd": "90.000000000000",
    }  # fmt: skip
    assert D("0.016") < D(rows[0]["minimum_detectable"]) < D("0.017")
    assert bench.export("drift", first=on(61)) == rows[1:]
    with bench.published.connect() as con:
        [state] = con.sql("select * from drift_state").pl().to_dicts()
        band = con.sql("select * from drift_days where in_band is not null order by day").pl().to_dicts()
        phases = dict(con.execute("select phase, count(*) from drift_days group by phase").fetchall())
    assert (state["state"], state["baseline_days"], state["level_usd"], state["last_day"], state["open_alarms"]) == (
        "watched", 56, D("0.1"), on(65), 2,
    )  # fmt: skip
    assert phases == {"baseline": 28, "watched": 38, "provisional": 2}
    assert [row["in_band"] for row in band] == [True] * 32 + [False] * 6
    assert band[-1]["low_usd"] < D("0.1") < band[-1]["high_usd"] < D("0.13") == band[-1]["cost_per_outcome_usd"]
    alerts = {
        (r["kind"], r["day"], r["severity"]): r["detail"] for r in bench.export("alerts") if r["kind"] != "unpriced"
    }
    assert set(alerts) == {("drift", str(on(61)), "high"), ("shock", str(on(60)), "medium")}
    assert alerts["drift", str(on(61)), "high"] == (
        f"cost per outcome rose by 30.0 % since {on(60)}, from $0.1000 to $0.1300; smallest change it would notice 1.6 %: "
        f"outlay acknowledge mailing:drift:{on(61)}"
    )


def test_a_workflow_without_outcomes_says_so_and_one_with_few_days_counts_them(tmp_path):
    bench = watched(tmp_path)
    days(bench, ["1"] * 5)
    bench.config["workflows"]["silent"] = {"unit": "letter"}
    bench.save()
    bench.run()
    with bench.published.connect() as con:
        found = con.execute("select workflow, state, minimum_detectable from drift_state order by workflow").fetchall()
    assert found == [("mailing", "3 of 28 days of baseline", None), ("silent", "no outcomes reported", None)]
