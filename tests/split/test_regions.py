"""Candidates are priced where the requests may run: regional rates of the rate book, or no advice at all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.rates.book import RateBook
from pipelines.rates.regions import served_in
from tests.split.test_published_split import mark
from tests.workspaces import Bench, call

MINI, HAIKU = ("openai", "gpt-5.4-mini"), ("anthropic", "claude-haiku-4-5")
# per 1,000 + 100 tokens; https://developers.openai.com/api/docs/pricing: gpt-5.4 $2.50 and $15, gpt-5.4-mini $0.75 and $4.50
DEAR, CHEAP = Decimal("0.004"), Decimal("0.0012")


@pytest.fixture
def book() -> RateBook:
    return RateBook().including([MINI, HAIKU, ("aws", "eu.anthropic.claude-haiku-4-5-20251001-v1:0")])


@pytest.mark.parametrize(
    ("candidate", "ran_on", "region", "allowed", "found"),
    [
        (MINI, "openai", None, (), ""),
        (MINI, "openai", "eu", (), "eu"),
        (MINI, "openai", "mars", (), None),  # the same provider, and no rate for it there
        (HAIKU, "openai", "eu", (), ""),  # another provider's regions have other names
        (MINI, "openai", None, ("eu",), "eu"),
        (MINI, "openai", "us", ("eu", "us"), "us"),  # where it ran comes first
        (MINI, "openai", "gb", ("eu", "us"), "eu"),
        (MINI, "openai", None, ("mars", "us"), "us"),
        (HAIKU, "openai", "eu", ("eu",), None),
        (("aws", "eu.anthropic.claude-haiku-4-5-20251001-v1:0"), "openai", None, ("eu",), "eu"),
    ],
)
def test_where_a_candidate_would_serve(book, candidate, ran_on, region, allowed, found):
    assert served_in(book, candidate, ran_on, region, allowed) == found


def advised(
    bench: Bench, *, region: str | None = None, regions: list[str] | None = None, light: str = "openai/gpt-5.4-mini"
):
    bench.config["tiers"][1]["models"] = [light]
    if regions:
        bench.config["workflows"]["review"]["models"] = {"regions": regions}
    bench.save()
    provider, _, name = light.partition("/")
    bench.calls(*(call(f"x{n}", unit_id=f"d{n}", **({"region": region} if region else {})) for n in range(28)))
    marks = []
    for n in range(300):
        right = float(n % 10 > 0)
        marks += [mark(n, "gpt-5.4", right), mark(n, name, right, provider=provider)]
    bench.evals(*marks)
    bench.run()
    [one] = bench.published.recommendations["recommendations"]
    return one


def month(saved: Decimal) -> str:
    """Of 28 requests on the ledger's only day, in 30 days."""
    return f"{saved * 28 * 30:.12f}"


def test_a_workflow_that_stays_in_the_eu_is_advised_at_the_eus_price(bench: Bench):
    one = advised(bench, regions=["eu"])
    assert one["decision"] == "switch"
    # the dear model runs at the standard price today, the light one would pay 10 % for data residency
    assert one["saving_usd_month"] == month(DEAR - CHEAP * Decimal("1.1"))
    assert one["saving_share"] == round(float(1 - CHEAP / DEAR), 6)  # of the pairs, both in the EU


def test_requests_in_a_region_are_compared_with_that_regions_price(bench: Bench):
    one = advised(bench, region="eu")
    assert one["decision"] == "switch"
    assert one["saving_usd_month"] == month((DEAR - CHEAP) * Decimal("1.1"))


def test_another_provider_is_compared_at_its_standard_price_where_no_region_is_demanded(bench: Bench):
    one = advised(bench, region="eu", light="anthropic/claude-haiku-4-5")
    haiku = Decimal("0.0015")  # $1 and $5
    assert one["decision"] == "switch"
    assert one["saving_usd_month"] == month(DEAR * Decimal("1.1") - haiku)


@pytest.mark.parametrize("region", [None, "eu"])
def test_a_model_without_a_rate_in_the_allowed_region_is_never_advised(bench: Bench, region):
    one = advised(bench, region=region, regions=["eu"], light="anthropic/claude-haiku-4-5")
    assert (one["decision"], one["routes"][0]["model"], one["saving_usd_month"]) == ("keep", "openai/gpt-5.4", None)
    assert "no rate says that it is served in eu" in one["reason"]


def test_a_regional_rate_that_is_unknown_is_no_saving(bench: Bench):
    """A rate of the contract prices the dear model there; what the light one would cost, nothing says."""
    (bench.root / "rates.yaml").write_text(
        "rates:\n" + "".join(
            f"  - {{provider: openai, model: gpt-5.4, class: {c}, usd_per_million: \"{usd}\", region: mars, "
            "valid_from: 2026-01-01, source: contract}\n" for c, usd in (("input", 3), ("output", 18))
        )
    )  # fmt: skip
    bench.config["rates"] = {"contract": "rates.yaml"}
    one = advised(bench, region="mars")
    assert {row["cost_basis"] for row in bench.export("requests")} == {"computed"}
    assert (one["decision"], one["saving_usd_month"]) == ("keep", None)
    assert "no rate says what it costs in the region where these requests run" in one["reason"]


@pytest.mark.parametrize("region", [None, "eu"])
def test_models_that_no_rate_knows_are_judged_by_what_the_logs_and_marks_cost(bench: Bench, region):
    """Ten unknown models with recorded costs: nothing but the sender's figures, and still no figure is 0."""
    bench.config["tiers"] = [
        {"name": "frontier", "rank": 2, "models": ["acme/big"]},
        {"name": "light", "rank": 1, "models": [f"acme/small-{k}" for k in range(10)]},
    ]
    bench.save()
    place = {"region": region} if region else {}
    bench.calls(
        *(call(f"x{n}", unit_id=f"d{n}", provider="acme", model="big", cost_usd="0.10", **place) for n in range(28))
    )
    marks = [mark(n, "big", float(n % 10 > 0), provider="acme", cost_usd="0.10") for n in range(300)]
    for k in range(10):  # the fourth is as good as the big one, all others lose a fifth; prices are in no order
        cost = f"0.0{1 + (k * 7) % 9}"
        marks += [
            mark(n, f"small-{k}", float(n % 10 > (0 if k == 3 else 2)), provider="acme", cost_usd=cost)
            for n in range(300)
        ]
    bench.evals(*marks)
    bench.run()
    [one] = bench.published.recommendations["recommendations"]
    assert (one["decision"], one["routes"]) == ("switch", [{"model": "acme/small-3", "share": 1.0}])
    assert one["saving_share"] == 0.6  # $0.04 for $0.10
    assert one["saving_usd_month"] == month(Decimal("0.06"))
