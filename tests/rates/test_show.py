"""`outlay rates show`: every class, tier, band, region and window with its source, its date and how well it is known."""

from __future__ import annotations

import json

import pytest

from pipelines.console.rates import rates_document, rates_text
from pipelines.workspace.errors import UsageError

NOON = "2026-11-10T12:00:00Z"


def found(model: str, provider: str, at: str = NOON, **where: object) -> list[dict]:
    rates = rates_document(model, provider, at, None)["rates"]
    return [r for r in rates if all(r[k] == v for k, v in where.items())]


def test_a_rate_of_the_list_of_a_page_of_a_table_and_a_derived_one_say_so():
    at = "2026-05-10T12:00:00Z"
    (listed,) = found("gpt-4o", "openai", at, **{"class": "input", "service_tier": "standard", "region": ""})
    (table,) = found("gpt-4o", "openai", at, **{"class": "input", "service_tier": "batch", "region": ""})
    (page,) = found("gpt-4o", "openai", at, **{"class": "input", "service_tier": "priority", "region": ""})
    (early,) = found("gpt-4o", "openai", "2024-06-01", **{"class": "input", "service_tier": "batch", "region": ""})
    assert [(r["state"], r["verified_on"]) for r in (listed, table, page, early)] == [
        ("price list", None),
        ("verified against a price table on 2026-11-22", "2026-11-22"),
        ("verified on the vendor's page on 2026-11-22", "2026-11-22"),
        ("derived from the vendor's rule, not verified", None),
    ]
    assert (early["valid_from"], early["valid_to"]) == ("2024-04-15", "2025-03-05")
    assert "https://help.openai.com/" in early["source"]


def test_a_contracted_rate_says_so(tmp_path):
    contract = tmp_path / "rates.yaml"
    contract.write_text(
        'rates: [{provider: openai, model: gpt-4o, class: input, usd_per_million: "2"}]', encoding="utf-8"
    )
    rates = rates_document("gpt-4o", "openai", NOON, contract)["rates"]
    (mine,) = [r for r in rates if (r["class"], r["service_tier"], r["region"]) == ("input", "standard", "")]
    assert (mine["unit_price_usd"], mine["list_unit_price"], mine["state"]) == ("0.000002", "0.0000025", "contract")


def test_bands_windows_and_regions_are_told_apart():
    text = rates_text(rates_document("gpt-5.4", "openai", NOON, None))
    standard = text[text.index("openai  standard\n") : text.index("\n\nopenai  batch")].splitlines()
    assert standard[1].startswith(
        "  cache_read        0.25 USD per million; up to 272,000 input tokens; from the beginning; "
    )
    assert standard[2].startswith("  cache_read        0.5 USD per million; for requests over 272,000 input tokens; ")
    assert next(line for line in standard if "web_search" in line).startswith("  web_search        0.01 USD each; ")
    assert "\nopenai  standard  in eu, us, au" in text
    peak = rates_text(rates_document("deepseek-v4-flash", "deepseek", "2026-11-10T02:00:00Z", None))
    assert "  input             0.3 USD per million; 01:00-04:00 UTC, Mon to Fri; from 2026-10-08; " in peak


def test_the_document_is_json_with_amounts_as_strings():
    document = json.loads(json.dumps(rates_document("openai/o3", None, "2025-06-01", None)))
    assert document["at"] == "2025-06-01T00:00:00Z"
    row = next(
        r for r in document["rates"] if (r["class"], r["service_tier"], r["region"]) == ("input", "standard", "")
    )
    assert {k: row[k] for k in ("provider", "unit_price_usd", "unit", "valid_from", "valid_to", "window", "band_over")} == {
        "provider": "openai", "unit_price_usd": "0.00001", "unit": "million", "valid_from": None,
        "valid_to": "2025-06-10", "window": "00:00-24:00 UTC", "band_over": -1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "provider", "near"),
    [
        ("gpt-5.4-mni", "openai", r"did you mean openai/gpt-5\.4-mini"),
        ("claude-sonet-4-6", None, r"did you mean anthropic/claude-sonnet-4-6"),
        ("gpt-5mini", "nobody", r"did you mean openai/gpt-5-mini"),
        ("zzzzzz", None, r"no rate names zzzzzz at [^;]*; a rate of your own"),
        ("deepseek-chat", "deepseek", r"the list knows it as deepseek/deepseek-chat, at other times"),
    ],
)
def test_a_name_that_no_rate_knows_is_answered_with_those_that_come_close(model, provider, near):
    with pytest.raises(UsageError, match=near):
        rates_document(model, provider, NOON, None)
