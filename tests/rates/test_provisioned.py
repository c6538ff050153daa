"""Capacity at a fixed price: cut into days and hours, and shared by what it served, to the last digit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rates.agreements import Provisioned
from pipelines.rates.exchange import NO_EXCHANGE, Exchange, Quote
from pipelines.rates.provisioned import apportion, day_cost, day_seconds, day_start, days, hours, share, spread
from pipelines.workspace.errors import UsageError

BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
ZONES = [UTC_ZONE, BERLIN, *(ZoneInfo(z) for z in ("Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"))]


def capacity(period: str, cost: str, **fields: object) -> Provisioned:
    return Provisioned.model_validate(
        {"name": "ptu", "provider": "azure", "model": "gpt-5", "cost_usd": cost, "period": period, **fields}
    )


def total(held: Provisioned, first: date, last: date, zone: ZoneInfo) -> Decimal:
    return sum((day_cost(held, day, zone, NO_EXCHANGE) for day in days(first, last)), Decimal(0))


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize(("month", "last"), [(2, 28), (3, 31), (4, 30), (10, 31)])
def test_the_days_of_a_month_add_up_to_its_price(zone, month, last):
    assert total(capacity("month", "100.000000000001"), date(2026, month, 1), date(2026, month, last), zone) == Decimal(
        "100.000000000001"
    )


def test_a_day_of_changing_clocks_has_23_or_25_hours():
    spring, autumn, plain = date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1)
    hourly, daily = capacity("hour", "2"), capacity("day", "48")
    assert [day_cost(hourly, d, BERLIN, NO_EXCHANGE) for d in (spring, autumn, plain)] == [46, 50, 48]
    assert [day_cost(daily, d, BERLIN, NO_EXCHANGE) for d in (spring, autumn, plain)] == [48, 48, 48]
    assert [len(hours(d, BERLIN)) for d in (spring, autumn, plain)] == [23, 25, 24]
    assert hours(date(2026, 10, 4), ZoneInfo("Australia/Lord_Howe")) == [3600] * 23 + [1800]
    assert day_start(plain, ZoneInfo("Asia/Kolkata")) == datetime(2026, 10, 31, 18, 30, tzinfo=UTC)


def test_a_longer_day_bears_more_of_the_month():
    month = {
        d: day_cost(capacity("month", "745"), d, BERLIN, NO_EXCHANGE)
        for d in days(date(2026, 10, 1), date(2026, 10, 31))
    }
    assert (month[date(2026, 10, 24)], month[date(2026, 10, 25)]) == (24, 25)


def test_requests_bear_their_hour_by_weight_and_empty_hours_are_idle():
    borne, idle = spread(Decimal(24), hours(date(2026, 10, 1), UTC_ZONE), [9, 9, 10, 10, 11], [1, 2, 5, 0, 0])
    assert borne == [333_333_333_333, 666_666_666_667, 10**12, 0, 0]
    assert idle == 22 * 10**12


def test_what_is_left_over_goes_to_the_largest_remainders_then_to_the_first():
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(11, [1, 1, 1]) == [4, 4, 3]
    assert apportion(10, [3, 0, 3, 6]) == [3, 0, 2, 5]
    assert apportion(1, [1, 2]) == [0, 1]
    assert share(Decimal("0.000000000001"), {"b": 1, "a": 1}) == {"a": Decimal("1e-12"), "b": 0}


def test_a_price_in_another_currency_is_converted_day_by_day():
    held = Provisioned.model_validate(
        {"name": "ptu", "provider": "azure", "model": "gpt-5", "cost": "90", "currency": "EUR", "period": "day"}
    )
    fx = Exchange(
        {"EUR": (Quote(date(2026, 10, 1), Decimal("0.9"), "x"), Quote(date(2026, 10, 2), Decimal("0.8"), "x"))}
    )
    assert [day_cost(held, date(2026, 10, d), UTC_ZONE, fx) for d in (1, 2)] == [Decimal(100), Decimal("112.5")]
    with pytest.raises(UsageError, match=r"no EUR rate for 2026-09-30 .* add the line 2026-09-30,EUR,"):
        day_cost(held, date(2026, 9, 30), UTC_ZONE, fx)


@given(
    amount=st.decimals(min_value=0, max_value=10**9, places=12),
    weights=st.dictionaries(st.text(max_size=3), st.integers(1, 10**12), min_size=1, max_size=9),
)
def test_shares_add_up_to_the_last_digit_and_are_fair_to_it(amount, weights):
    parts = share(amount, weights)
    assert sum(parts.values()) == amount
    for key, part in parts.items():
        assert abs(Fraction(part) - Fraction(amount) * weights[key] / sum(weights.values())) < Fraction(1, 10**12)


@given(
    amount=st.decimals(min_value=0, max_value=10**6, places=12),
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    served=st.lists(st.tuples(st.integers(0, 22), st.integers(0, 99)), max_size=12),
)
def test_what_is_borne_and_what_is_idle_add_up_to_the_day(amount, zone, day, served):
    lengths = hours(day, zone)
    assert sum(lengths) == day_seconds(day, zone)
    at, weights = [hour for hour, _ in served], [weight for _, weight in served]
    borne, idle = spread(amount, lengths, at, weights)
    assert sum(borne) + idle == int(amount.scaleb(12))
    assert min([idle, *borne]) >= 0
    assert [part for part, weight in zip(borne, weights, strict=True) if weight == 0 and part] == []


@given(
    first=st.integers(1, 10**6), second=st.integers(0, 10**6), more=st.integers(0, 10**6),
    others=st.lists(st.integers(0, 10**6), max_size=5),
)  # fmt: skip
def test_a_charge_that_weighs_more_never_bears_less(first, second, more, others):
    def borne(weight: int) -> Decimal:
        return share(
            Decimal("1.000000000001"), {"a": weight, "b": second, **{f"o{i}": w for i, w in enumerate(others)}}
        )["a"]

    assert borne(first + more) >= borne(first)
