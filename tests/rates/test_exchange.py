"""Other currencies by dated rates: found for a day or not at all, never guessed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract
from pipelines.rates.exchange import Quote, read_exchange
from pipelines.workspace.errors import UsageError

HEAD = "day,currency,per_usd\n"


def test_a_dollar_is_worth_what_the_latest_rate_of_its_day_says(tmp_path):
    path = tmp_path / "fx.csv"
    path.write_text(HEAD + "2026-11-01,EUR,0.92\n2026-10-01,EUR,0.90\n2026-10-01,GBP,0.78\n")
    fx = read_exchange(path)
    days = [date(2026, m, d) for m, d in ((9, 30), (10, 1), (10, 31), (11, 1), (12, 1), (12, 2))]
    assert [fx.per_usd("EUR", day) for day in days] == [
        None, Decimal("0.90"), Decimal("0.90"), Decimal("0.92"), Decimal("0.92"), None,
    ]  # fmt: skip
    assert (fx.per_usd("USD", date(2020, 1, 1)), fx.per_usd("JPY", date(2026, 11, 1))) == (Decimal(1), None)
    assert fx.in_force("EUR", date(2026, 11, 6)) == Quote(date(2026, 11, 1), Decimal("0.92"), "fx.csv")


def test_a_rate_says_where_it_comes_from(tmp_path):
    path = tmp_path / "fx.csv"
    path.write_text("day,currency,per_usd,source\n2026-11-02,EUR,0.9153,ECB reference rate\n2026-11-03,EUR,0.9160,\n")
    fx = read_exchange(path)
    assert [fx.in_force("EUR", date(2026, 11, d)) for d in (2, 3)] == [
        Quote(date(2026, 11, 2), Decimal("0.9153"), "ECB reference rate"),
        Quote(date(2026, 11, 3), Decimal("0.9160"), "fx.csv"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("day,currency\n", "line 1: expected the columns day,currency,per_usd, found day,currency"),
        ("", "line 1: expected the columns .* found nothing"),
        (HEAD + "01.11.2026,EUR,0.92\n", "line 2: expected a day such as 2026-11-01, found '01.11.2026'"),
        (HEAD + "2026-11-01,euro,0.92\n", "line 2: expected a currency such as EUR, found 'euro'"),
        (HEAD + "2026-11-01,EUR,0\n", "line 2: expected units per dollar above 0 .* found '0'"),
        (HEAD + "2026-11-01,EUR,nan\n", "line 2: expected units per dollar above 0 .* found 'nan'"),
        (HEAD + "2026-11-01,EUR\n", "line 2: expected 3 fields, found 2"),
        (HEAD + "2026-11-01,USD,1.1\n", "line 2: expected 1 for USD, found '1.1'"),
        (
            HEAD + "2026-11-01,EUR,1\n2026-11-01,EUR,2\n",
            "line 3: a second rate for EUR on 2026-11-01",
        ),
    ],
)
def test_a_bad_line_of_the_exchange_file_is_named(tmp_path, text, complaint):
    path = tmp_path / "fx.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        read_exchange(path)


def euro_book(tmp_path, quotes: str) -> RateBook:
    (tmp_path / "fx.csv").write_text(HEAD + quotes)
    path = tmp_path / "rates.yaml"
    path.write_text(
        'rates: [{provider: openai, model: gpt-4o, class: input, currency: EUR, per_million: "2.00",'
        " valid_from: 2026-06-01, source: frame contract}]\nexchange: fx.csv\n"
    )
    return RateBook.for_models([], path)


def test_a_price_in_another_currency_is_converted_by_the_rate_of_the_request_s_day(tmp_path, priced):
    book = euro_book(tmp_path, "2026-06-03,EUR,0.80\n2026-06-05,EUR,0.90\n")
    made = priced(
        *({"request_key": f"{day}", "time": f"2026-{day}T12:00:00Z", "input_uncached": 1_000_000}
          for day in ("05-31", "06-02", "06-03", "06-04", "06-05", "07-05", "07-06")),
        book=book,
    )  # fmt: skip
    assert {k: (r["cost_usd"], r["list_cost_usd"], r["missing"]) for k, r in made.items()} == {
        "05-31": (Decimal("2.5"), Decimal("2.5"), None),
        "06-02": (None, None, "input@standard"),  # agreed, but no rate of its day is known: never the list's price
        "06-03": (Decimal("2.5"), Decimal("2.5"), None),
        "06-04": (Decimal("2.5"), Decimal("2.5"), None),
        "06-05": (Decimal("2.222222222000"), Decimal("2.5"), None),  # 2.00 / 0.90, a unit price of 15 places
        "07-05": (Decimal("2.222222222000"), Decimal("2.5"), None),
        "07-06": (None, None, "input@standard"),  # 31 days after the last rate
    }
    assert "contract: frame contract, EUR at 0.90 (2026-06-05)" in made["06-05"]["rate_source"]


def test_another_exchange_rate_is_another_rate_book_and_an_unused_currency_is_not(tmp_path):
    first = euro_book(tmp_path, "2026-06-03,EUR,0.80\n").version
    assert euro_book(tmp_path, "2026-06-03,EUR,0.80\n2026-06-03,GBP,0.70\n").version == first
    assert euro_book(tmp_path, "2026-06-03,EUR,0.81\n").version != first


def test_amounts_in_another_currency_need_the_file_of_rates(tmp_path):
    path = tmp_path / "rates.yaml"
    path.write_text('rates: [{provider: openai, model: gpt-4o, class: input, currency: EUR, per_million: "2"}]\n')
    with pytest.raises(UsageError, match="exchange: required: amounts are in EUR"):
        read_contract(path)
    path.write_text(path.read_text() + "exchange: gone.csv\n")
    with pytest.raises(UsageError, match=r"gone\.csv: can't be read"):
        read_contract(path)
    path.write_text("exchange: ../fx.csv\n")
    with pytest.raises(UsageError, match=r"rates\.yaml, line 1: exchange: '\.\./fx\.csv' climbs"):
        read_contract(path)
