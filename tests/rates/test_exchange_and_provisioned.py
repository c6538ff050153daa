"""Other currencies by dated rates, and capacity at a fixed price shared to the last digit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rates.contract import Provisioned
from pipelines.rates.exchange import read_exchange
from pipelines.rates.provisioned import hour_costs, share, spread
from pipelines.workspace.errors import UsageError


def test_a_dollar_is_worth_what_the_latest_rate_of_its_day_says(tmp_path):
    path = tmp_path / "fx.csv"
    path.write_text("day,currency,per_usd\n2026-11-01,EUR,0.92\n2026-10-01,EUR,0.90\n2026-10-01,GBP,0.78\n")
    fx = read_exchange(path)
    days = [date(2026, m, d) for m, d in ((9, 30), (10, 1), (10, 31), (11, 1), (12, 31))]
    assert [fx.per_usd("EUR", day) for day in days] == [
        None, Decimal("0.90"), Decimal("0.90"), Decimal("0.92"), Decimal("0.92"),
    ]  # fmt: skip
    assert (fx.per_usd("USD", date(2020, 1, 1)), fx.per_usd("JPY", date(2026, 11, 1))) == (Decimal(1), None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("day,currency\n", "line 1: expected the columns day,currency,per_usd, found day,currency"),
        ("", "line 1: expected the columns .* found nothing"),
        (
            "day,currency,per_usd\n01.11.2026,EUR,0.92\n",
            "line 2: expected a day such as 2026-11-01, found '01.11.2026'",
        ),
        (
            "day,currency,per_usd\n2026-11-01,euro,0.92\n",
            "line 2: expected a currency such as EUR, found 'euro'",
        ),
        (
            "day,currency,per_usd\n2026-11-01,EUR,0\n",
            "line 2: expected units per dollar above 0 .* found '0'",
        ),
        (
            "day,currency,per_usd\n2026-11-01,EUR,nan\n",
            "line 2: expected units per dollar above 0 .* found 'nan'",
        ),
        ("day,currency,per_usd\n2026-11-01,EUR\n", "line 2: expected 3 fields, found 2"),
        (
            "day,currency,per_usd\n2026-11-01,EUR,1\n2026-11-01,EUR,2\n",
            "line 3: a second rate for EUR on 2026-11-01",
        ),
    ],
)
def test_a_bad_line_of_the_exchange_file_is_named(tmp_path, text, complaint):
    path = tmp_path / "fx.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        read_exchange(path)


def capacity(period: str, cost: str, **dates: date) -> Provisioned:
    return Provisioned.model_validate(
        {"name": "ptu", "provider": "azure", "model": "gpt-5", "cost_usd": cost, "period": period, **dates}
    )


@pytest.mark.parametrize(("period", "cost", "total"), [("hour", "2", 1488), ("day", "48", 1488), ("month", "100", 100)])
def test_the_hours_of_a_month_add_up_to_its_price(period, cost, total):
    hours = list(hour_costs(capacity(period, cost), date(2026, 10, 1), date(2026, 10, 31)))
    assert (len(hours), sum(h.cost_usd for h in hours)) == (744, Decimal(total))


def test_capacity_costs_nothing_before_and_after_its_contract():
    held = capacity("day", "24", valid_from=date(2026, 10, 3), valid_to=date(2026, 10, 5))
    hours = list(hour_costs(held, date(2026, 10, 1), date(2026, 10, 31)))
    assert {h.hour.day for h in hours} == {3, 4}
    assert sum(h.cost_usd for h in hours) == Decimal(48)


def test_requests_bear_their_hour_by_tokens_and_empty_hours_are_idle():
    hours = list(hour_costs(capacity("day", "24"), date(2026, 10, 1), date(2026, 10, 1)))
    nine, ten = (datetime(2026, 10, 1, h, tzinfo=UTC) for h in (9, 10))
    borne, idle = spread(hours, {nine: {"a": 1, "b": 2}, ten: {"a": 5, "c": 0}})
    assert borne == {"a": Decimal("1.333333333333"), "b": Decimal("0.666666666667")}
    assert sum(borne.values()) + idle == Decimal(24)


@given(
    amount=st.decimals(min_value=0, max_value=10**9, places=12),
    weights=st.dictionaries(st.text(max_size=3), st.integers(1, 10**12), min_size=1, max_size=9),
)
def test_shares_add_up_to_the_last_digit_and_are_fair_to_it(amount, weights):
    parts = share(amount, weights)
    assert sum(parts.values()) == amount
    for key, part in parts.items():
        assert abs(part * sum(weights.values()) - amount * weights[key]) < Decimal("1e-12") * sum(weights.values())
