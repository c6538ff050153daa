"""The week's figures, on small tables."""

from datetime import date, timedelta
from decimal import Decimal as D
from fractions import Fraction

from dashboards.week import Week, dear, drift, last_whole_week, like_for_like, moves, trailing_change
from pipelines.workspace.model import Workspace

MONDAY = date(2026, 11, 2)


def day(n: int, workflow: str, spend: str, outcomes: int, provisional: bool = False) -> dict:
    return {
        "day": MONDAY + timedelta(days=n), "workflow": workflow, "unit": "document", "spend_usd": D(spend), "outcomes": outcomes,
        "provisional": provisional,
    }  # fmt: skip


def test_the_week_is_the_last_whole_iso_week():
    assert last_whole_week(date(2026, 11, 8)) == Week(MONDAY)
    assert last_whole_week(date(2026, 11, 9)) == Week(MONDAY)
    assert last_whole_week(date(2026, 11, 14)) == Week(MONDAY)
    assert last_whole_week(date(2026, 11, 15)) == Week(date(2026, 11, 9))
    assert Week(MONDAY).name == "week 45"


def test_like_for_like_holds_the_mix_of_last_week():
    daily = [day(-7, "a", "10", 10), day(-7, "b", "90", 3), day(0, "a", "30", 20), day(1, "b", "40", 2)]
    same = like_for_like(daily, Week(MONDAY))
    assert same is not None
    # a: 10 outcomes x 1.50, b: 3 outcomes x 20.00; the shift from b to a changes nothing
    assert (same.then_usd, same.now_usd, same.outcomes) == (D(100), D(75), 13)
    assert same.change == D("-0.25")
    assert [(e.workflow, e.effect_usd) for e in same.effects] == [("b", D(-30)), ("a", D(5))]


def test_effects_add_up_to_the_change():
    daily = [day(-7, "a", "1", 3), day(-6, "b", "2", 7), day(0, "a", "5", 9), day(1, "b", "7", 11)]
    same = like_for_like(daily, Week(MONDAY))
    assert same is not None
    exact = Fraction(3) * Fraction(5, 9) + Fraction(7) * Fraction(7, 11) - 3
    assert abs(Fraction(sum(e.effect_usd for e in same.effects)) - exact) < Fraction(1, 10**20)


def test_a_workflow_without_outcomes_in_one_week_is_left_out_and_named():
    daily = [
        day(-7, "a", "10", 10),
        day(0, "a", "10", 10),
        day(0, "new", "5", 1),
        day(-7, "gone", "5", 0),
        day(0, "gone", "5", 2),
    ]
    same = like_for_like(daily, Week(MONDAY))
    assert same is not None
    assert (same.left_out, same.then_usd) == (("gone", "new"), D(10))


def test_without_two_weeks_there_is_nothing_to_compare():
    assert like_for_like([day(0, "a", "10", 10)], Week(MONDAY)) is None
    assert moves([day(0, "a", "10", 10)], Week(MONDAY)) == []


def test_a_move_compares_mature_days_with_the_four_weeks_before():
    daily = [
        day(-28, "a", "10", 10),
        day(-7, "a", "30", 10),
        day(0, "a", "30", 10),
        day(1, "a", "999", 1, provisional=True),
    ]
    move = moves(daily, Week(MONDAY))[0]
    assert (move.now_usd, move.earlier_usd, move.change, move.change_on_week, move.mature_days) == (
        D(3),
        D(2),
        D("0.5"),
        D(0),
        1,
    )


def test_the_largest_move_comes_first_whichever_way_it_went():
    daily = [
        day(-7, "up", "10", 10),
        day(0, "up", "12", 10),
        day(-7, "down", "10", 10),
        day(0, "down", "5", 10),
    ]
    assert [m.workflow for m in moves(daily, Week(MONDAY))] == ["down", "up"]


def test_drift_tells_who_rises_and_who_is_not_watched_yet():
    alarms = [
        {"workflow": "a", "kind": "drift", "change": D("0.5")}, {"workflow": "b", "kind": "shock", "change": D("-0.4")},
        {"workflow": "a", "kind": "shock", "change": D("0.3")},
    ]  # fmt: skip
    states = [{"workflow": "a", "minimum_detectable": D("0.1")}, {"workflow": "c", "minimum_detectable": None}]
    found = drift(alarms, states)
    assert found.rising == ("a",)
    assert ([s["workflow"] for s in found.watched], [s["workflow"] for s in found.waiting]) == (["a"], ["c"])


def test_the_seven_day_figure_is_compared_on_mature_days():
    own = [
        {"day": MONDAY - timedelta(days=7), "cost_7d_usd": D(2), "provisional": False},
        {"day": MONDAY, "cost_7d_usd": D(3), "provisional": False},
        {"day": MONDAY + timedelta(days=1), "cost_7d_usd": D(9), "provisional": True},
    ]
    assert trailing_change(own) == D("0.5")
    assert trailing_change(own[1:]) is None


WORKSPACE = Workspace.model_validate(
    {
        "name": "w",
        "sources": [{"name": "s", "kind": "requests", "path": "x"}],
        "workflows": {"w": {"unit": "document", "tasks": {"easy": "extraction", "hard": "reasoning"}}},
        "tiers": [
            {"name": "frontier", "rank": 3, "models": ["p/big"]},
            {"name": "light", "rank": 1, "models": ["p/small"]},
        ],
        "capabilities": {"extraction": "light", "reasoning": "frontier"},
    }
)


def spend(task: str, tier: str | None, usd: str | None) -> dict:
    return {
        "workflow": "w",
        "task_type": task,
        "tier": tier,
        "model": "p/m",
        "spend_usd": usd and D(usd),
        "requests": 1,
    }


def test_only_a_tier_above_the_declared_need_is_dear():
    found = dear(
        [spend("easy", "frontier", "6"), spend("easy", "light", "1"), spend("hard", "frontier", "3")],
        WORKSPACE,
    )
    assert [(t.task_type, t.tier, t.needed, t.dear_usd) for t in found.tasks] == [("easy", "frontier", "light", D(6))]
    assert (found.spend_usd, found.share, found.undeclared_usd) == (D(10), D("0.6"), D(0))


def test_what_cannot_be_judged_is_counted_apart():
    found = dear([spend("other", "frontier", "4"), spend("easy", None, "1"), spend("easy", "light", None)], WORKSPACE)
    assert (found.tasks, found.undeclared_usd, found.dear_usd) == ((), D(5), D(0))
