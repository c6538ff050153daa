"""A changed rate book says what it would move before anything moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from pipelines.rates.change import changes, dump, read_dump
from pipelines.storage.models import sql
from tests.rates.conftest import load

PAIRS = [("openai", "gpt-4o"), ("deepseek", "deepseek-flash")]


def test_rates_survive_being_written_down():
    rates = RateBook.for_models(PAIRS).rates
    text = dump(rates)
    assert sorted(read_dump(text), key=repr) == sorted(rates, key=repr)
    assert dump(read_dump(text)) == text


def test_the_same_book_has_no_changes():
    assert changes(RateBook.for_models(PAIRS).rates, read_dump(dump(RateBook.for_models(PAIRS).rates))) == []


def test_a_changed_price_is_listed_from_its_first_day(tmp_path):
    contract = tmp_path / "rates.yaml"
    contract.write_text(
        "rates: [{provider: openai, model: gpt-4o, class: output, usd_per_million: '8', valid_from: 2026-11-01}]",
        encoding="utf-8",
    )
    before, after = RateBook.for_models(PAIRS), RateBook.for_models(PAIRS, contract)
    made = changes(before.rates, after.rates)
    assert [(c.model, c.class_, c.service_tier, c.valid_from, c.valid_to, c.before, c.after) for c in made] == [
        ("gpt-4o", "output", "standard", date(2026, 11, 1), None, Decimal("0.00001"), Decimal("0.000008"))
    ]


def test_a_rate_that_came_or_went_is_a_change():
    rates = RateBook.for_models(PAIRS).rates
    gone = next(r for r in rates if (r.class_, r.service_tier) == ("web_search", "standard"))
    less = [r for r in rates if r is not gone]
    assert [(c.class_, c.before, c.after) for c in changes(rates, less)] == [("web_search", Decimal("0.01"), None)]
    assert [(c.class_, c.before, c.after) for c in changes(less, rates)] == [("web_search", None, Decimal("0.01"))]
    dearer = [replace(r, unit_price=r.unit_price * 2) if r is gone else r for r in rates]
    assert [(c.before, c.after) for c in changes(rates, dearer)] == [(Decimal("0.01"), Decimal("0.02"))]


def test_days_that_would_move_are_listed_with_both_sums(con):
    load(
        con,
        [
            {"request_key": "same", "time": "2026-11-14T12:00:00Z", "input_uncached": 1_000},
            {"request_key": "moved", "time": "2026-11-15T12:00:00Z", "input_uncached": 1_000},
            {"request_key": "moved too", "time": "2026-11-15T12:00:00Z", "input_uncached": 1_000},
            {"request_key": "new", "model": "gpt-5", "time": "2026-11-15T12:00:00Z", "input_uncached": 1_000},
        ],
    )
    con.execute(
        "create temp table charged as select request_key, provider, model, time::date as day, "
        "case request_key when 'same' then 0.0025 when 'new' then null else 0.003 end::decimal(28, 12) "
        "as cost_usd from to_price"
    )
    price(con, RateBook())
    assert sorted(con.sql(sql("rates/moved")).fetchall()) == [
        (date(2026, 11, 15), "openai", "gpt-4o", 2, Decimal("0.006"), Decimal("0.005"), 0, 0),
        (date(2026, 11, 15), "openai", "gpt-5", 1, None, Decimal("0.00125"), 1, 0),
    ]
