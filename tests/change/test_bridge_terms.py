"""Shapley values in exact fractions, and amounts that add up: against their definitions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from math import factorial, prod

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.change.bridge import ALL, pairs
from pipelines.change.bridge_terms import apportion, shapley
from pipelines.change.bridge_weeks import FACTORS, PICO, Week

SECOND, THIRD = date(2026, 10, 12), date(2026, 10, 19)
fraction = st.builds(Fraction, st.integers(-40, 40), st.integers(1, 9))


def paid(_used: Week, _unused: Week, _model: str, _token_class: str, price: Fraction) -> Fraction:
    """No rate has changed."""
    return price


def by_definition(values: list[tuple[Fraction, Fraction]]) -> list[Fraction]:
    """Mean marginal effect of each factor over all orders in which they can move."""
    effects = [Fraction(0)] * len(values)
    for order in permutations(range(len(values))):
        now = [old for old, _ in values]
        for place in order:
            before = prod(now, start=Fraction(1))
            now[place] = values[place][1]
            effects[place] += prod(now, start=Fraction(1)) - before
    return [effect / factorial(len(values)) for effect in effects]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(fraction, fraction), min_size=1, max_size=5))
def test_an_effect_is_the_mean_marginal_effect_over_all_orders(values):
    numerators, denominator = shapley(values)
    assert [Fraction(n, denominator) for n in numerators] == by_definition(values)


@settings(max_examples=200, deadline=None)
@given(st.lists(fraction, min_size=1, max_size=8), st.integers(-1, 1))
def test_parts_are_within_one_unit_of_their_value_and_sum_to_the_whole(values, slack):
    exact = dict(enumerate(values))
    total = int(sum(values) * 10) + (slack if any(values) else 0)
    parts = apportion(exact, total, 10)
    assert sum(parts.values()) == total
    assert all(abs(parts[key] - value * 10) < 2 for key, value in exact.items())
    assert all(not parts[key] for key, value in exact.items() if not value)


def made(monday: date, workflow: str = "w", outcomes: int = 4, attempts: int = 4, **cells: tuple[int, int]) -> Week:
    """A week of 4 calls per (task type, model), `task__model__class=(quantity, dollars)`."""
    week = Week(workflow, monday, outcomes=outcomes, attempts=attempts)
    for name, (quantity, dollars) in cells.items():
        task, model, token_class = name.split("__")
        week.calls[task, model] = 4
        week.cells[task, model, token_class] = (quantity, dollars * PICO)
    week.spend = sum(spend for _, spend in week.cells.values())
    return week


def effects(*weeks: Week) -> dict[tuple[str, str], Decimal]:
    """Effects that aren't 0 by (workflow, factor); every set of five must sum to the change of the two costs."""
    rows, details = pairs({(week.monday, week.workflow): week for week in weeks}, [THIRD], paid)
    for name in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == name]
        assert [row[2] for row in mine] == list(FACTORS)
        assert sum(row[3] for row in mine) == mine[0][5] - mine[0][4]
        for row in mine:
            assert row[3].is_finite()
            assert sum(d[-1] for d in details if (d[0], d[2]) == (name, row[2])) == row[3]
    return {(row[0], row[2]): row[3] for row in rows if row[3]}


def test_a_workflow_that_appears_and_one_that_vanishes_are_outcome_mix():
    found = effects(
        made(SECOND, "stays", t__m__input=(1000, 8)), made(THIRD, "stays", t__m__input=(1000, 8)),
        made(SECOND, "goes", t__m__input=(1000, 40)), made(THIRD, "comes", t__big__input=(1000, 20)),
    )  # fmt: skip
    assert found == {(ALL, "outcome_mix"): Decimal("-2.5")}


def test_a_shift_of_outcomes_between_workflows_is_outcome_mix_and_moves_no_workflow():
    found = effects(
        made(SECOND, "cheap", outcomes=8, attempts=8, t__m__input=(8000, 8)),
        made(SECOND, "dear", outcomes=2, attempts=2, t__m__input=(2000, 20)),
        made(THIRD, "cheap", outcomes=2, attempts=2, t__m__input=(2000, 2)),
        made(THIRD, "dear", outcomes=8, attempts=8, t__m__input=(8000, 80)),
    )  # fmt: skip
    assert found == {(ALL, "outcome_mix"): Decimal("5.4")}


def test_a_workflow_that_fails_altogether_is_attempts_in_the_bridge_of_all():
    found = effects(
        made(SECOND, "well", t__m__input=(1000, 4)), made(THIRD, "well", t__m__input=(1000, 4)),
        made(SECOND, "ill", t__m__input=(1000, 4)), made(THIRD, "ill", outcomes=0, t__m__input=(1000, 4)),
    )  # fmt: skip
    assert set(found) == {(ALL, "attempts"), (ALL, "outcome_mix")}
    assert sum(found.values()) == 1  # 8 ÷ 8 before, 8 ÷ 4 after; there is no bridge of the one that failed


def test_more_tokens_of_one_model_of_two_are_tokens_and_no_model_mix():
    found = effects(
        made(SECOND, t__m__input=(1000, 1), t__n__output=(1000, 10)),
        made(THIRD, t__m__input=(3000, 3), t__n__output=(1000, 10)),
    )
    assert {factor for _, factor in found} == {"tokens"}


def test_another_token_class_is_tokens_and_a_wordier_model_its_own_mix():
    cached = effects(made(SECOND, t__m__input=(1000, 10)), made(THIRD, t__m__input=(200, 2), t__m__cache_read=(800, 1)))
    assert {factor for _, factor in cached} == {"tokens"}
    switched = effects(made(SECOND, t__m__output=(1000, 10)), made(THIRD, t__wordy__output=(1500, 3)))
    assert switched == {("w", "model_mix"): Decimal("-1.75"), (ALL, "model_mix"): Decimal("-1.75")}


def test_a_week_without_outcomes_or_without_a_price_has_no_bridge():
    assert effects(made(SECOND, t__m__input=(1, 1)), made(THIRD, outcomes=0, t__m__input=(1, 1))) == {}
    unpriced = made(THIRD)
    unpriced.spend = None
    assert effects(made(SECOND, t__m__input=(1, 1)), unpriced) == {}
    assert effects(made(THIRD, t__m__input=(1, 1))) == {}


cells = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("mno"), st.sampled_from(("input", "output"))),
    st.tuples(st.integers(1, 10**9), st.integers(0, 10**15)),
    max_size=6,
)


@st.composite
def weeks(draw) -> list[Week]:
    found = []
    for monday in (SECOND, THIRD):
        for workflow in draw(st.sets(st.sampled_from("xyz"))):
            week = Week(
                workflow, monday, outcomes=draw(st.integers(-2, 40)), attempts=draw(st.integers(0, 60)),
                cells=draw(cells),
            )  # fmt: skip
            week.calls = {(task, model): draw(st.integers(1, 900)) for task, model, _ in week.cells}
            week.spend = sum(spend for _, spend in week.cells.values())
            found.append(week)
    return found


@settings(max_examples=150, deadline=None)
@given(weeks())
def test_any_two_weeks_sum_to_the_last_unit(found):
    rows = effects(*found)
    totals = [sum(w.outcomes for w in found if w.monday == m) for m in (SECOND, THIRD)]
    if min(totals) <= 0:
        assert not any(name == ALL for name, _ in rows)
