"""The weekly figures: blended, and like for like at last week's outcome mix."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from pipelines.change.bridge_weeks import PICO, Week
from pipelines.change.weekly import like_for_like
from tests.workspaces import Bench, call, event

MONDAY = date(2026, 10, 19)


def week(name: str, outcomes: int, dollars: int | None) -> Week:
    return Week(name, MONDAY, outcomes=outcomes, spend=None if dollars is None else dollars * PICO)


def weeks(*found: Week) -> dict[str, Week]:
    return {one.workflow: one for one in found}


def test_a_shift_between_workflows_moves_the_blended_cost_and_not_the_index():
    before = weeks(week("cheap", 9, 9), week("dear", 1, 10))
    after = weeks(week("cheap", 1, 1), week("dear", 9, 90))
    found = like_for_like(before, after)
    assert (found.before, found.now, found.index, found.left_out) == (Fraction(19, 10), Fraction(19, 10), 1, ())


def test_the_index_weighs_each_workflow_as_last_week_did():
    before = weeks(week("a", 3, 3), week("b", 1, 5))
    after = weeks(week("a", 1, 2), week("b", 50, 250))
    assert like_for_like(before, after).index == Fraction(3 * 2 + 1 * 5, 3 * 1 + 1 * 5)


def test_workflows_that_cannot_be_compared_are_named():
    before = weeks(week("a", 2, 4), week("failed", 3, 3), week("gone", 1, 1))
    after = weeks(week("a", 2, 6), week("failed", 0, 3), week("fresh", 1, 1), week("unpriced", 1, None))
    found = like_for_like(before, after)
    assert (found.index, found.left_out) == (Fraction(3, 2), ("failed", "fresh", "gone", "unpriced"))
    assert like_for_like({}, after).index is None
    assert like_for_like(weeks(week("free", 1, 0)), weeks(week("free", 1, 1))).index is None


def test_the_mart_has_every_week_of_every_workflow_and_of_all(bench: Bench):
    bench.calls(
        call("a", time="2026-10-13T10:00:00Z"), call("b", time="2026-10-14T10:00:00Z", unit_id="d2"),
        call("c", unit_id="d3", input_tokens=2000),
        call("x", time="2026-10-14T10:00:00Z", workflow="claims", unit_id="c1"), call("y", workflow="claims", unit_id="c2"),
    )  # fmt: skip
    bench.outcomes(
        event("e1", time="2026-10-14T11:00:00Z"), event("e2", time="2026-10-14T11:00:00Z", unit_id="d2"),
        event("e3", unit_id="d3"), event("e4", "accepted", time="2026-10-15T11:00:00Z", unit_id="c1", workflow="claims"),
        event("e5", "failed", unit_id="c2", workflow="claims"),
    )  # fmt: skip
    bench.run()
    keys = (
        "week",
        "workflow",
        "outcomes",
        "cost_per_outcome_usd",
        "before_usd",
        "like_for_like_usd",
        "index",
        "left_out",
    )
    assert [tuple(r[k] for k in keys) for r in bench.export("weekly_index")] == [
        ("2026-W42", "*", "3", "0.004000000000", "", "", "", "claims, review"),
        ("2026-W42", "claims", "1", "0.004000000000", "", "", "", "claims"),
        ("2026-W42", "review", "2", "0.004000000000", "", "", "", "review"),
        ("2026-W43", "*", "1", "0.010500000000", "0.004000000000", "0.006500000000", "1.625000000000", "claims"),
        ("2026-W43", "claims", "0", "", "0.004000000000", "", "", "claims"),
        ("2026-W43", "review", "1", "0.006500000000", "0.004000000000", "0.006500000000", "1.625000000000", ""),
    ]
    [all_weeks] = [r for r in bench.export("bridge") if (r["workflow"], r["factor"]) == ("*", "attempts")]
    assert Decimal(all_weeks["after_usd"]) == Decimal("0.0105")
