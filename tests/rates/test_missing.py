"""What no rate covers is written ready to paste; pasted with a price, the next run prices it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.console.headline import run_text
from pipelines.console.rate_changes import missing_document, missing_text, missing_warnings
from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract
from pipelines.rates.missing import lacks, missing_yaml, rates_yaml
from tests.workspaces import Bench, call


def row(provider: str, model: str, missing: str, **fields) -> dict:
    return {
        "provider": provider, "model": model, "missing": missing, "requests": 5, "cost_basis": "unpriced",
        "first_day": date(2026, 10, 20), "last_day": date(2026, 10, 21), **fields,
    }  # fmt: skip


def entries(*rows: dict) -> list[str]:
    return [entry for lack in lacks(rows, RateBook()) for entry in lack.entries]


def test_a_lack_names_model_tier_class_region_and_band():
    assert rates_yaml(lacks([row("openai", "gpt-99", "input@batch,web_search@batch,region=eu")], RateBook())) == (
        "rates:\n"
        "  # 5 requests, 2026-10-20 to 2026-10-21\n"
        "  # no list names openai/gpt-99; near: openai/gpt-5, openai/gpt-4\n"
        '  - {provider: "openai", model: "gpt-99", class: input, usd_per_million: "", service_tier: batch, '
        'region: "eu", source: ""}\n'
        '  - {provider: "openai", model: "gpt-99", class: web_search, usd_each: "", service_tier: batch, '
        'region: "eu", source: ""}\n'
    )
    assert entries(row("openai", "gpt-5.5", "input@priority")) == [
        '{provider: "openai", model: "gpt-5.5", class: input, usd_per_million: "", service_tier: priority, '
        'input_over: 272000, source: ""}'
    ]


def test_an_entry_ends_where_the_book_has_a_rate_of_its_own():
    early = {"first_day": date(2025, 1, 1), "last_day": date(2025, 2, 1)}
    assert entries(row("openai", "o3", "input@flex", **early)) == [
        '{provider: "openai", model: "o3", class: input, usd_per_million: "", service_tier: flex, '
        'valid_to: 2025-04-17, source: ""}'
    ]
    late = {"first_day": date(2026, 8, 1), "last_day": date(2026, 8, 2)}
    assert entries(row("deepseek", "deepseek-chat", "input@standard", **late)) == [
        '{provider: "deepseek", model: "deepseek-chat", class: input, usd_per_million: "", '
        'valid_from: 2026-07-25, source: ""}'
    ]


def test_one_class_is_asked_for_once_however_many_requests_lack_it():
    lacking = [
        row("openai", "gpt-99", "input@standard,output@standard"),
        row("openai", "gpt-99", "input@standard", cost_basis="recorded", last_day=date(2026, 11, 2)),
    ]
    (lack,) = lacks(lacking, RateBook())
    assert (lack.requests, lack.recorded, lack.first_day, lack.last_day) == (
        10,
        5,
        date(2026, 10, 20),
        date(2026, 11, 2),
    )
    assert [re.findall(r"class: (\w+)", e)[0] for e in lack.entries] == ["input", "output"]
    assert "# 10 requests, 2026-10-20 to 2026-11-02; 5 at the sender's figure" in rates_yaml([lack])


def test_a_class_that_no_rate_can_name_is_told_and_not_written():
    (lack,) = lacks([row("openai", "gpt-4o", "teleport@standard")], RateBook())
    assert (lack.entries, lack.notes) == ((), ("teleport: no class of the rate book, so no rate can name it",))


def test_nothing_lacks_nothing_is_written():
    assert rates_yaml([]) == ""


def test_a_region_that_the_price_does_not_depend_on_is_left_out():
    # a Bedrock profile is in the model's name: the region that it was called from names no other price
    assert entries(row("aws", "eu.amazon.nova-lite-v1:0", "input@standard,region=eu-west-1")) == [
        '{provider: "aws", model: "eu.amazon.nova-lite-v1:0", class: input, usd_per_million: "", source: ""}'
    ]


def fill_in(text: str, million: str = "2", each: str = "0.01") -> str:
    return text.replace('usd_per_million: ""', f'usd_per_million: "{million}"').replace(
        'usd_each: ""', f'usd_each: "{each}"'
    )


LACKING = {
    "model": ({"model": "gpt-99"}, "0.0022"),
    "tier": ({"model": "gpt-4.1", "service_tier": "flex"}, "0.0022"),
    "tier of a time": ({"model": "o3", "service_tier": "flex", "time": "2025-03-01T10:00:00Z"}, "0.0022"),
    "class": ({"model": "gpt-4o-2024-05-13", "cache_read_tokens": 400}, "0.0053"),
    "region": ({"region": "mars"}, "0.0022"),
    "region of Bedrock": (
        {"provider": "aws", "model": "amazon.nova-lite-v1:0", "region": "eu-west-1"},
        "0.0022",
    ),
    "region beside a profile": (
        {"provider": "aws", "model": "eu.amazon.nova-lite-v1:0", "region": "eu-west-1"},
        "0.0022",
    ),
    "band": ({"model": "gpt-5.5", "service_tier": "priority", "input_tokens": 300_000}, "0.6002"),
    "provider": ({"provider": "nobody"}, "0.0022"),
}


def test_what_is_pasted_with_a_price_is_priced_on_the_next_run(tmp_path: Path):
    bench = Bench(tmp_path, {"rates": {"contract": "rates.yaml"}})
    contract = tmp_path / "rates.yaml"
    contract.write_text("rates: []\n", encoding="utf-8")
    bench.calls(call("known"), *(call(case, **fields) for case, (fields, _) in LACKING.items()))
    assert bench.run()["unpriced_requests"] == len(LACKING)

    contract.write_text(fill_in(missing_yaml(bench.published)), encoding="utf-8")
    assert bench.run()["unpriced_requests"] == 0
    made = {r["request_id"]: (Decimal(r["cost_usd"]), r["cost_basis"]) for r in bench.export("requests")}
    assert made == {"known": (Decimal("0.004"), "computed")} | {
        case: (Decimal(usd), "computed") for case, (_, usd) in LACKING.items()
    }
    assert missing_yaml(bench.published) == ""


def test_a_pasted_band_leaves_the_prices_below_as_they_are(tmp_path, cost):
    contract = tmp_path / "rates.yaml"
    contract.write_text(
        'rates: [{provider: openai, model: gpt-5.5, class: input, service_tier: priority, usd_per_million: "20", input_over: 272000},'
        ' {provider: openai, model: gpt-4o, class: input, usd_per_million: "9", input_over: 1000}]',
        encoding="utf-8",
    )
    book = RateBook.for_models([("openai", "gpt-5.5"), ("openai", "gpt-4o")], contract)
    priority = {"model": "gpt-5.5", "service_tier": "priority", "book": book}
    assert cost(**priority, input_uncached=272_000) == Decimal("3.4")
    assert cost(**priority, input_uncached=272_001) == Decimal("5.44002")
    assert cost(model="gpt-4o", book=book, input_uncached=1_000) == Decimal("0.0025")
    assert cost(model="gpt-4o", book=book, input_uncached=1_001) == Decimal("0.009009")


def test_a_run_and_a_check_say_what_lacks_a_rate(tmp_path: Path):
    bench = Bench(tmp_path)
    bench.calls(call("a", model="gpt-99"), call("b", model="gpt-99", cost_usd="0.5"))
    text = run_text(bench.run())
    wanted = '  - {provider: "openai", model: "gpt-99", class: input, usd_per_million: "", source: ""}'
    assert wanted in text.splitlines()
    assert missing_warnings(bench.loaded) == [
        "2 requests of openai/gpt-99 lack a rate (input at standard, output at standard): "
        "outlay rates missing writes what to add"
    ]
    document = missing_document(bench.loaded)
    assert wanted in missing_text(document).splitlines()
    assert [{k: v for k, v in m.items() if k not in ("entries", "notes")} for m in document["missing"]] == [
        {
            "provider": "openai", "model": "gpt-99", "region": None, "requests": 2, "recorded_requests": 1,
            "classes": [{"class": "input", "service_tier": "standard"}, {"class": "output", "service_tier": "standard"}],
            "first_day": "2026-10-20", "last_day": "2026-10-20",
        }
    ]  # fmt: skip


def test_a_workspace_without_a_lack_or_a_run_warns_of_nothing(tmp_path: Path):
    bench = Bench(tmp_path)
    assert missing_warnings(bench.loaded) == []
    bench.calls(call("a"))
    assert bench.run()["missing_rates"] == ""
    assert missing_text(missing_document(bench.loaded)) == "Every request has a rate, or nothing billable."


def test_a_rate_that_begins_at_an_hour_is_refused_with_what_to_do(tmp_path: Path):
    contract = tmp_path / "rates.yaml"
    contract.write_text(
        'rates: [{provider: openai, model: gpt-4o, class: input, usd_per_million: "1", valid_from: 2026-10-01T09:00:00Z}]',
        encoding="utf-8",
    )
    with pytest.raises(
        Exception, match=r"rates\.0\.valid_from: .*expected a UTC day such as 2026-10-01, found an instant"
    ):
        read_contract(contract)
