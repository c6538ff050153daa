"""The rate book: no two rates for one charge, and every price of its instant."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import sqlglot
from genai_prices.data import providers
from genai_prices.types import ModelPrice, StartDateConstraint, Usage

from pipelines.rates import book as rate_book
from pipelines.rates.book import RateBook, overlaps, show
from pipelines.rates.cards import SQL, price, sql
from pipelines.rates.overlay import overlay_text, read_overlay
from pipelines.rates.reprice import alike
from pipelines.workspace.errors import OutlayError
from tests.rates.conftest import load
from tests.rates.explained import EXPLAINED

NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


def test_show_answers_with_every_class_its_source_and_its_date():
    rows = show("openai", "gpt-5-2025-08-07", NOON)
    standard = {r.class_: r for r in rows if (r.service_tier, r.region) == ("standard", "")}
    assert {c: r.unit_price * 1_000_000 for c, r in standard.items()} == {
        "input": Decimal("1.25"),
        "cache_read": Decimal("0.125"),
        "cache_write": Decimal("1.25"),
        "cache_write_long": Decimal("1.25"),
        "output": Decimal("10"),
        "input_image": Decimal("1.25"),
        "web_search": Decimal("10000"),
        "file_search": Decimal("2500"),
    }
    assert standard["input"].source == f"{rate_book.GENAI}: openai/gpt-5"
    assert standard["cache_write"].source.startswith("overlay: https://developers.openai.com/")
    assert (standard["cache_write"].basis, standard["cache_write"].verified_on) == ("derived", None)
    assert {r.service_tier for r in rows} == {"standard", "batch", "flex", "priority", "fast"}
    assert {r.region for r in rows} > {""}


def test_show_without_a_provider_names_every_provider_that_knows_the_model():
    assert {r.provider for r in show(None, "gpt-5-mini", NOON)} >= {"openai", "azure"}


def test_every_model_of_the_price_list_compiles_without_two_rates_for_one_charge():
    pairs = [(p.id, m.id) for p in providers for m in p.models]
    book = RateBook.for_models(pairs)
    assert len(book.rates) > 10_000
    assert all(r.unit_price >= 0 and r.source for r in book.rates)


def test_overlapping_and_empty_rates_are_found():
    rate = next(r for r in RateBook.for_models([("openai", "o3")]).rates if r.valid_from is None)
    assert (rate.class_, rate.service_tier, rate.valid_to) == ("input", "standard", date(2025, 6, 10))
    later = replace(rate, valid_from=date(2025, 1, 1), valid_to=None)
    empty = replace(rate, valid_from=date(2025, 1, 1), valid_to=date(2025, 1, 1))
    other_band = replace(rate, band_over=5, band_upto=9)
    assert overlaps([rate, replace(rate, valid_from=rate.valid_to, valid_to=None)]) == []
    assert overlaps([rate, later]) == [(rate, later)]
    assert overlaps([empty]) == [(empty, empty)]
    assert overlaps([replace(rate, band_upto=5), other_band]) == []
    assert overlaps([replace(rate, band_upto=6), other_band]) == [(replace(rate, band_upto=6), other_band)]
    assert overlaps([rate, replace(rate, service_tier="batch"), replace(rate, region="eu")]) == []


def test_an_overlay_whose_blocks_overlap_is_refused_when_a_model_is_compiled(monkeypatch):
    twice = read_overlay(
        overlay_text()
        + """
  - {provider: deepseek, models: ["deepseek-v4-p*"], from: 2026-09-01, usd_per_million: {input: "1"},
     source: "https://example.com/prices", verified: 2026-11-21}
"""
    )
    monkeypatch.setattr("pipelines.rates.pricelist.overlay", lambda: twice)
    with pytest.raises(OutlayError, match=r"deepseek/deepseek-v4-pro: two rates for input at standard: .*example"):
        RateBook.for_models([("deepseek", "deepseek-v4-pro")])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            'tiers: [{provider: openai, tier: batch, factor: 0.5, source: "a source", verified: 2026-11-21}]',
            r"tiers\.0\.factor: .*amount in quotes",
        ),
        (
            'tiers: [{provider: openai, tier: batch, source: "a source", verified: 2026-11-21}]',
            "expected one of factor",
        ),
        (
            'tiers: [{provider: openai, tier: slow, factor: "1", source: "a source", verified: 2026-11-21}]',
            r"tiers\.0\.tier",
        ),
        (
            'tiers: [{provider: openai, tier: batch, factor: "0.5", verified: 2026-11-21}]',
            r"tiers\.0\.source",
        ),
        (
            "history: [{provider: x, from: 2026-02-01, until: 2026-02-01, usd_per_million: {}, "
            'source: "a source", '
            "verified: 2026-11-21}]",
            "is not after",
        ),
        (
            'aliases: [{provider: x, alias: a, model: b, source: "a source", verified: 2026-11-21}, '
            '{provider: x, alias: a, model: c, from: 2026-01-01, source: "a source", verified: 2026-11-21}]',
            "means both b and c",
        ),
        ("prices: []", "prices: Extra inputs"),
        ("a: b: c", "no valid YAML"),
    ],
)
def test_an_overlay_that_says_what_it_may_not_is_refused_with_its_key(text, complaint):
    with pytest.raises(OutlayError, match=complaint):
        read_overlay(text)


def test_the_version_follows_the_contract_and_nothing_else(tmp_path):
    contract = tmp_path / "rates.yaml"
    contract.write_text('discounts: [{provider: openai, percent: "5"}]', encoding="utf-8")
    plain = RateBook.for_models([("openai", "gpt-4o")])
    assert re.fullmatch("[0-9a-f]{16}", plain.version)
    assert plain.version == RateBook.for_models([("anthropic", "claude-opus-5-5")]).version
    assert plain.version != RateBook.for_models([("openai", "gpt-4o")], contract).version


def test_prices_change_at_every_dated_change_of_the_price_list_and_not_before(con):
    requests, expected = [], {}
    for provider in providers:
        for model in provider.models:
            if isinstance(model.prices, ModelPrice) or (provider.id, model.id) in EXPLAINED:
                continue
            days = {c.constraint.start_date for c in model.prices if isinstance(c.constraint, StartDateConstraint)}
            for day in days:
                midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
                for instant in (midnight - timedelta(microseconds=1), midnight):
                    key = f"{provider.id}/{model.id}@{instant.isoformat()}"
                    requests.append(
                        {"request_key": key, "provider": provider.id, "model": model.id, "time": instant,
                         "input_uncached": 1_000, "output_nonreasoning": 100}
                    )  # fmt: skip
                    usage = Usage(input_tokens=1_000, output_tokens=100)
                    expected[key] = model.calc_price(usage, provider, genai_request_timestamp=instant).total_price
    load(con, requests)
    price(con, RateBook())
    made = dict(con.execute("select request_key, cost_usd from priced where cost_usd is not null").fetchall())
    assert len(made) > 400
    off = {k: (c, expected[k]) for k, c in made.items() if abs(c - expected[k]) > Decimal("1e-12")}
    assert off == {}


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda p: p.stem)
def test_every_query_names_its_grain_and_travels_to_spark(path: Path):
    text = sql(path.stem)
    assert text.startswith("-- grain: ")
    assert text == text.lower()
    for banned in ("hugeint", "asof", "double", "float", "//"):
        assert banned not in text
    spark = sqlglot.transpile(text, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
    assert len(re.findall(r"\bexplode\(", spark, re.IGNORECASE)) <= 1  # one generator a select
    assert "ISODOW" not in spark


def test_every_query_is_valid_against_the_tables_it_reads(con):
    load(
        con,
        [{"input_uncached": 1, "extras": {"web_search": 1}, "workflow": "w", "task_type": "t"}],
        "workflow",
        "task_type",
    )
    price(con, RateBook())
    con.execute(
        "create temp table candidates (workflow varchar, from_provider varchar, from_region varchar, provider varchar, "
        "model varchar, region varchar)"
    )
    con.execute(
        "create temp table charged as select request_key, provider, model, time::date as day, "
        "0.5::decimal(28, 12) as cost_usd from to_price"
    )
    cells = alike(RateBook(), [("openai", "gpt-5-mini")], "cast(time as date)")
    con.execute(f"create temp table cells_to_price as {cells}")
    con.register("incoming_rates", con.sql("select * from rate_cards").to_arrow_table())
    for path in sorted(SQL.glob("*.sql")):
        assert con.execute(f"explain {sql(path.stem)}").fetchall(), path
    assert isinstance(con, duckdb.DuckDBPyConnection)
