"""A cell's difference is named, and the names sum to it exactly."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from pipelines.close.cells import Cell, constant_ratio, named
from pipelines.close.spread import spread

DOLLAR = 10**12
#: $2.50 a million tokens
PRICE = Fraction(2_500_000)
amounts = st.integers(-(10**18), 10**18)
tokens = st.integers(0, 10**9)


def paid(count: int, price: Fraction = PRICE) -> int:
    return int(count * price)


def test_a_cell_that_agrees_has_no_item():
    cell = Cell(paid(1000), 1, 1000, 0, paid(1000), 1000, requests=1, prices=(PRICE,))
    assert named(cell) == {}


def test_missing_tokens_are_not_metered_at_the_metered_price():
    cell = Cell(paid(1500), 1, 1500, 0, paid(1000), 1000, requests=1, prices=(PRICE,))
    assert named(cell) == {"not metered": paid(500)}


def test_surplus_tokens_are_not_billed_and_recorded_twice_as_far_as_that_is_suspected():
    cell = Cell(paid(1000), 1, 1000, 0, paid(1500), 1500, requests=2, prices=(PRICE,))
    assert named(cell) == {"not billed": -paid(500)}
    assert named(cell, twice=paid(200)) == {"recorded twice": -paid(200), "not billed": -paid(300)}


def test_another_price_of_the_same_tokens_is_a_rate_difference():
    cell = Cell(paid(1000, 2 * PRICE), 1, 1000, 0, paid(1000), 1000, requests=1, prices=(PRICE,))
    assert named(cell) == {"rate difference": paid(1000)}


def test_volume_and_rate_are_told_apart():
    cell = Cell(paid(1500, 2 * PRICE), 1, 1500, 0, paid(1000), 1000, requests=1, prices=(PRICE,))
    assert named(cell) == {"not metered": paid(500), "rate difference": paid(1500)}


def test_cents_are_rounding_and_a_cent_too_much_is_not():
    metered = paid(1001)  # $0.0025025
    assert named(Cell(0, 1, 1001, 0, metered, 1001, requests=1, prices=(PRICE,), decimals=2)) == {"rounding": -metered}
    cent = Cell(DOLLAR // 100, 1, 1001, 0, metered, 1001, requests=1, prices=(PRICE,), decimals=2)
    assert named(cent) == {"rate difference": DOLLAR // 100 - metered}


def test_a_missing_call_at_one_of_two_prices_is_found_at_that_price():
    metered = paid(1000) + paid(300, 2 * PRICE)
    cell = Cell(metered + paid(50, 2 * PRICE), 1, 1350, 0, metered, 1300, requests=2, prices=(PRICE, 2 * PRICE))
    assert named(cell) == {"not metered": paid(50, 2 * PRICE)}


def test_tokens_without_a_price_are_unpriced_and_not_missing():
    assert named(Cell(paid(1000), 1, 1000, 0, 0, 0, unpriced=1000, requests=1)) == {"unpriced": paid(1000)}
    assert named(Cell(paid(1500), 1, 1500, 0, 0, 0, unpriced=1000, requests=1)) == {
        "not metered": paid(500),
        "unpriced": paid(1000),
    }


def test_a_constant_ratio_is_a_rate_and_what_stands_out_of_it_is_volume():
    days = [Cell(paid(n, PRICE * 9 / 10), 1, metered=paid(n), tokens=n, requests=1) for n in (1000, 2000, 3000, 5000)]
    odd = Cell(paid(4000, PRICE * 9 / 10) + paid(700), 1, metered=paid(4000), tokens=4000, requests=1)
    ratio = constant_ratio([*days, odd])
    assert ratio == Fraction(9, 10)
    assert named(odd, ratio) == {"rate difference": -paid(400), "not metered": paid(700)}
    assert named(days[0], ratio) == {"rate difference": -paid(100)}


def test_two_days_make_no_ratio():
    days = [Cell(paid(n, PRICE * 2), 1, metered=paid(n), tokens=n, requests=1) for n in (1000, 2000)]
    assert constant_ratio(days) == 1


@given(
    amounts, st.integers(0, 5), st.none() | tokens, amounts, amounts, tokens, tokens, st.integers(0, 12),
    st.lists(st.integers(0, 10**9), max_size=2, unique=True), st.fractions(0, 10), st.integers(0, 10**15), st.booleans(),
)  # fmt: skip
def test_the_items_of_any_cell_sum_to_its_difference(
    billed, lines, quantity, uncounted, metered, priced, unpriced, decimals, prices, ratio, twice, model
):
    cell = Cell(
        billed if lines else 0, lines, quantity, uncounted if lines else 0, metered, priced, unpriced, 3,
        tuple(Fraction(price) for price in prices), decimals, model,
    )  # fmt: skip
    assert sum(named(cell, ratio, twice).values()) == cell.difference


@given(amounts, st.lists(st.fractions(0, 1000), min_size=1, max_size=9))
def test_parts_sum_to_the_whole_and_differ_by_less_than_a_unit(amount, weights):
    parts = spread(amount, weights)
    assert sum(parts) == amount
    total = sum(weights)
    if total:
        assert all(abs(part - Fraction(amount) * w / total) < 1 for part, w in zip(parts, weights, strict=True))
