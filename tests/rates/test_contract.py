"""Negotiated rates: dated, exact, over the list price and beside it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract
from pipelines.workspace.errors import UsageError


@pytest.fixture
def book(tmp_path):
    """A rate book under the `rates.yaml` of this text."""

    def make(text: str) -> RateBook:
        path = tmp_path / "rates.yaml"
        path.write_text(text, encoding="utf-8")
        return RateBook.for_models([], path)

    return make


def test_a_negotiated_rate_replaces_the_list_price_from_its_first_day_to_its_last(book, priced):
    contract = book("""
        rates:
          - {provider: openai, model: gpt-4o, class: input, usd_per_million: "2.00",
             valid_from: 2026-06-01, valid_to: 2026-09-01}
          - {provider: openai, model: gpt-4o, class: web_search, usd_each: "0.004", valid_from: 2026-06-01}
    """)
    used = {"input_uncached": 1_000, "output_nonreasoning": 100, "extras": {"web_search": 1}}
    made = priced(
        {"request_key": "before", "time": "2026-05-31T23:59:59Z", **used},
        {"request_key": "within", "time": "2026-06-01T00:00:00Z", **used},
        {"request_key": "after", "time": "2026-09-01T00:00:00Z", **used},
        book=contract,
    )
    assert {k: (r["cost_usd"], r["list_cost_usd"]) for k, r in made.items()} == {
        "before": (Decimal("0.0135"), Decimal("0.0135")),
        "within": (Decimal("0.007"), Decimal("0.0135")),
        "after": (Decimal("0.0075"), Decimal("0.0135")),
    }
    assert made["within"]["input_price"] == Decimal("0.000002")
    assert "contract: rates.yaml" in made["within"]["rate_source"]


def test_a_negotiated_rate_prices_what_has_no_list_price(book, priced):
    contract = book("""
        rates:
          - {provider: openai, model: our-own, class: input, usd_per_million: "1"}
          - {provider: openai, model: our-own, class: output, usd_per_million: "4"}
          - {provider: openai, model: gpt-4.1, class: input, service_tier: flex, usd_per_million: "0.7"}
          - {provider: openai, model: gpt-4o, class: input, region: eu, usd_per_million: "2"}
    """)
    made = priced(
        {
            "request_key": "own model",
            "model": "our-own",
            "input_uncached": 1_000,
            "output_nonreasoning": 1_000,
        },
        {"request_key": "own tier", "model": "gpt-4.1", "service_tier": "flex", "input_uncached": 1_000},
        {"request_key": "own region", "region": "eu", "input_uncached": 1_000, "output_nonreasoning": 1_000},
        {"request_key": "the group's", "region": "jp", "input_uncached": 1_000},
        {
            "request_key": "still lacking",
            "model": "gpt-4.1",
            "service_tier": "flex",
            "output_nonreasoning": 1,
        },
        book=contract,
    )
    assert made["own model"]["list_cost_usd"] is None  # no list price is known: never the contract's instead
    assert made["own model"]["listed"]["input_usd"] is None
    assert made["own region"]["list_cost_usd"] == Decimal("0.0125")
    assert {k: (r["cost_usd"], r["missing"]) for k, r in made.items()} == {
        "own model": (Decimal("0.005"), None),
        "own tier": (Decimal("0.0007"), None),
        "own region": (Decimal("0.012"), None),
        "the group's": (Decimal("0.0025"), None),
        "still lacking": (None, "output@flex"),
    }


def test_reasoning_negotiated_apart_is_listed_as_output(book, priced):
    contract = book('rates: [{provider: openai, model: gpt-5, class: reasoning, usd_per_million: "6"}]')
    row = priced({"model": "gpt-5", "output_nonreasoning": 1_000, "output_reasoning": 1_000}, book=contract)["r0"]
    assert (row["output_usd"], row["reasoning_usd"]) == (Decimal("0.01"), Decimal("0.006"))
    assert (row["cost_usd"], row["list_cost_usd"]) == (Decimal("0.016"), Decimal("0.02"))


def test_a_discount_lowers_every_class_and_the_closest_one_counts(book, priced):
    contract = book("""
        discounts:
          - {provider: openai, model: "*", percent: "10", valid_from: 2026-01-01}
          - {provider: openai, model: "gpt-4*", percent: "25", valid_from: 2026-01-01}
          - {provider: aws, percent: "-5"}
    """)
    made = priced(
        {"request_key": "any", "model": "gpt-5", "input_uncached": 1_000, "cache_read": 1_000},
        {
            "request_key": "closest",
            "model": "gpt-4o-2024-08-06",
            "input_uncached": 1_000,
            "extras": {"web_search": 1},
        },
        {"request_key": "before", "model": "gpt-5", "time": "2025-12-31T12:00:00Z", "input_uncached": 1_000},
        {
            "request_key": "marked up",
            "provider": "aws",
            "model": "global.anthropic.claude-sonnet-5",
            "input_uncached": 1_000,
        },
        book=contract,
    )
    assert {k: (r["cost_usd"], r["list_cost_usd"]) for k, r in made.items()} == {
        "any": (Decimal("0.0012375"), Decimal("0.001375")),
        "closest": (Decimal("0.009375"), Decimal("0.0125")),
        "before": (Decimal("0.00125"), Decimal("0.00125")),
        "marked up": (Decimal("0.0021"), Decimal("0.002")),
    }


def test_a_deployment_name_means_its_model_by_day(book, cost):
    contract = book("""
        aliases:
          - {provider: azure, alias: prod-chat, model: gpt-4o, valid_to: 2026-03-01}
          - {provider: azure, alias: prod-chat, model: gpt-5-mini, valid_from: 2026-03-01}
          - {provider: aws, alias: "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
             model: us.anthropic.claude-sonnet-5}
    """)
    prod = {"book": contract, "provider": "azure", "model": "prod-chat", "input_uncached": 1_000}
    assert cost(**prod, time="2026-02-28T23:59:59Z") == Decimal("0.0025")
    assert cost(**prod, time="2026-03-01T00:00:00Z") == Decimal("0.00025")
    profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"
    assert cost(contract, provider="aws", model=profile, region="us-east-1", input_uncached=1_000) == Decimal("0.0022")
    assert contract.canonical("azure", "prod-chat") == "azure/gpt-5-mini"
    assert contract.canonical("aws", profile) == "aws/anthropic.claude-sonnet-5"


def test_a_contract_may_spell_a_provider_as_any_log_does(book, cost):
    contract = book("""
        rates: [{provider: azure_openai, model: our-own, class: input, usd_per_million: "1"}]
        discounts: [{provider: Bedrock, percent: "50"}]
        aliases: [{provider: vertex_ai, alias: prod, model: gemini-2.5-flash}]
    """)
    assert cost(contract, provider="azure", model="our-own", input_uncached=1_000) == Decimal("0.001")
    claude = {"provider": "aws", "model": "global.anthropic.claude-sonnet-5", "input_uncached": 1_000}
    assert cost(contract, **claude) == Decimal("0.001")
    assert contract.canonical("google", "prod") == "google/gemini-2.5-flash"


def test_what_is_agreed_for_a_model_holds_for_a_deployment_only_while_its_name_means_it(book, priced):
    contract = book("""
        aliases:
          - {provider: azure, alias: prod-chat, model: gpt-4o, valid_from: 2026-02-01, valid_to: 2026-03-01}
          - {provider: azure, alias: prod-chat, model: our-own, valid_from: 2026-03-01}
        rates:
          - {provider: azure, model: our-own, class: input, usd_per_million: "1"}
        discounts:
          - {provider: azure, model: gpt-4o, percent: "50"}
    """)
    prod = {"provider": "azure", "model": "prod-chat", "input_uncached": 1_000}
    made = priced(
        {"request_key": "no meaning yet", **prod, "time": "2026-01-31T23:59:59Z"},
        {"request_key": "gpt-4o", **prod, "time": "2026-02-01T00:00:00Z"},
        {"request_key": "our own", **prod, "time": "2026-03-01T00:00:00Z"},
        book=contract,
    )
    assert {k: r["cost_usd"] for k, r in made.items()} == {
        "no meaning yet": None,
        "gpt-4o": Decimal("0.00125"),
        "our own": Decimal("0.001"),
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "rates: [{provider: openai, model: gpt-4o, class: input, usd_per_million: 2.0}]",
            r'rates\.yaml, line 1: rates\.0\.usd_per_million: .*a decimal string such as "2\.50", found 2\.0',
        ),
        (
            'rates: [{provider: openai, model: gpt-4o, class: input, usd_per_million: "-1"}]',
            r"rates\.0\.usd_per_million: .*'-1'",
        ),
        (
            'rates: [{provider: openai, model: gpt-4o, class: inputs, usd_each: "1"}]',
            "expected a class such as input.*'inputs'",
        ),
        (
            'rates: [{provider: openai, model: gpt-4o, class: input, usd_each: "1", usd_per_million: "1"}]',
            "expected one of",
        ),
        (
            'rates: [{provider: openai, model: gpt-4o, class: input, usd_each: "1", note: x}]',
            r"rates\.0\.note: unknown key",
        ),
        (
            'rates: [{provider: o, model: m, class: input, usd_each: "1"}, '
            '{provider: o, model: m, class: input, usd_each: "2", '
            "valid_from: 2026-01-01}]",
            "two entries for o/m input at standard hold on 2026-01-01",
        ),
        (
            'discounts: [{provider: openai, percent: "10", valid_from: 2026-02-01, valid_to: 2026-01-01}]',
            "expected valid_to after valid_from 2026-02-01, found 2026-01-01",
        ),
        ('discounts: [{provider: openai, percent: "110"}]', r"discounts\.0\.percent: .*100"),
        ("- a list", "expected keys such as rates"),
        ("rates: [", "line 1: not valid YAML"),
        ("rates: []\nrates: []", "line 2: .*expected each key once"),
        ("text: hello", "line 1: text: unknown key"),
        (
            "# ours\nrates:\n  - provider: openai\n    model: gpt-4o\n    class: input\n    usd_each: '-1'\n",
            r"line 6: rates\.0\.usd_each: .*greater than or equal to 0, found '-1'",
        ),
        ("aliases:\n  - {provider: azure, alias: prod}", r"line 2: aliases\.0\.model: required, not found"),
        (
            'rates: [{provider: o, model: m, class: input, usd_each: "2.5"}, {provider: o}]',
            r"line 1: rates\.1\.model: required",
        ),
        (
            'rates: [{provider: o, model: m, class: input, usd_each: "25"}]',
            "expected the price of one input, found 25 USD: is it that of a million",
        ),
        (
            'rates: [{provider: o, model: m, class: input, currency: EUR, usd_each: "2"}]\nexchange: x',
            "expected one of per_million and each beside currency: EUR",
        ),
        ('rates: [{provider: o, model: m, class: input, each: "2"}]', "expected one of usd_per_million and usd_each"),
        (
            'provisioned: [{name: a, provider: o, model: m, cost_usd: "1", period: week}]',
            r"provisioned\.0\.period: .*'hour', 'day' or 'month', found 'week'",
        ),
        (
            "provisioned: [{name: a, provider: o, model: m, period: day}]",
            "expected cost_usd, or cost beside a currency",
        ),
        (
            'provisioned:\n  - {name: a, provider: o, model: m, cost_usd: "1", period: day}\n'
            '  - {name: b, provider: o, model: m, cost_usd: "1", period: day}',
            "two entries for o/m .one entry may hold the price of all its capacity. hold on 1970-01-01",
        ),
        (
            'commitments: [{name: a, provider: o, amount_usd: "1", period: month}]',
            "valid_from: required: the first day of the first period",
        ),
        (
            'commitments: [{name: a, provider: o, amount_usd: "1", period: month, valid_from: 2026-01-31}]',
            "expected valid_from on the 1st to 28th",
        ),
        (
            'commitments: [{name: a, provider: o, amount_usd: "1", period: quarter, valid_from: 2026-01-01, valid_to: 2026-06-01}]',
            "expected valid_to at the end of a quarter from 2026-01-01, found 2026-06-01",
        ),
        (
            'commitments: [{name: a, provider: o, amount_usd: "1", period: term, valid_from: 2026-01-01}]',
            "valid_to: required with period: term",
        ),
    ],
)
def test_a_contract_that_says_what_it_may_not_is_refused_with_key_and_expectation(tmp_path, text, complaint):
    path = tmp_path / "rates.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=f"(?s){complaint}"):
        read_contract(path)


def test_a_contract_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"rates\.yaml: can't be read"):
        read_contract(tmp_path / "rates.yaml")
