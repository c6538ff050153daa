"""What one request costs: every class once, at its own rate, for its tier, region, band, hour and day."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from pipelines.rates.reprice import reprice
from tests.rates.conftest import load

SONNET = {"provider": "anthropic", "model": "claude-sonnet-4-6"}


def test_a_cached_token_is_charged_once(priced):
    row = priced({"model": "gpt-5", "input_uncached": 2_000, "cache_read": 8_000, "output_nonreasoning": 500})["r0"]
    # https://developers.openai.com/api/docs/pricing: gpt-5 $1.25 in, $0.125 cached, $10 out per million
    assert {k: f"{v:f}" if k.endswith("_usd") else v for k, v in row.items() if k.endswith(("_usd", "_basis"))} == {
        "cost_basis": "computed",
        "cost_usd": "0.008500000000",
        "list_cost_usd": "0.008500000000",
        "input_usd": "0.002500000000",
        "cache_read_usd": "0.001000000000",
        "cache_write_usd": "0.000000000000",
        "cache_write_long_usd": "0.000000000000",
        "output_usd": "0.005000000000",
        "reasoning_usd": "0.000000000000",
    }
    assert (row["input_price"], row["cache_read_price"]) == (Decimal("0.00000125"), Decimal("0.000000125"))
    assert row["rate_source"].startswith("genai-prices")


def test_reasoning_is_output_where_it_has_no_price_of_its_own(cost):
    assert cost(model="gpt-5", output_nonreasoning=1_000, output_reasoning=3_000) == Decimal("0.04")


def test_reasoning_with_a_price_of_its_own_is_charged_apart(priced):
    row = priced(
        {
            "provider": "perplexity",
            "model": "sonar-deep-research",
            "output_nonreasoning": 1_000,
            "output_reasoning": 2_000,
        }
    )["r0"]
    # genai-prices: $8 output, $3 reasoning per million
    assert (row["output_usd"], row["reasoning_usd"]) == (Decimal("0.008"), Decimal("0.006"))


def test_short_and_long_cache_writes_have_their_own_prices(cost):
    # https://platform.claude.com/docs/en/about-claude/pricing: 5 min $3.75, 1 h $6 per million
    assert cost(**SONNET, cache_write=1_000) == Decimal("0.00375")
    assert cost(**SONNET, cache_write_long=1_000) == Decimal("0.006")


def test_cache_writes_before_gpt_5_6_cost_what_input_costs(cost):
    assert cost(model="gpt-5.4-mini-2026-03-17", cache_write=400) == cost(model="gpt-5.4-mini", input_uncached=400)
    assert cost(model="gpt-5.6", cache_write=1_000) == Decimal("0.005")


def test_cached_input_without_a_row_is_not_priced_as_input(priced):
    row = priced({"model": "gpt-4o-2024-05-13", "input_uncached": 10, "cache_read": 10})["r0"]
    assert (row["cost_basis"], row["cost_usd"], row["missing"]) == ("unpriced", None, "cache_read@standard")


@pytest.mark.parametrize(
    ("request_", "missing"),
    [
        (
            {"model": "gpt-99", "input_uncached": 5, "output_nonreasoning": 5},
            "input@standard,output@standard",
        ),
        ({"provider": "nobody", "input_uncached": 5}, "input@standard"),
        ({"model": "gpt-4.1", "service_tier": "flex", "input_uncached": 5}, "input@flex"),
        ({"service_tier": "scale", "input_uncached": 5}, "input@scale"),
        ({"region": "mars", "input_uncached": 5}, "input@standard,region=mars"),
        ({"input_uncached": 5, "extras": {"input_audio": 3}}, "input_audio@standard"),
        ({"input_uncached": 5, "extras": {"web_search": 1, "teleport": 1}}, "teleport@standard"),
        ({"provider": "aws", "model": "eu.amazon.nova-lite-v1:0", "input_uncached": 5}, "input@standard"),
        (
            {"provider": "aws", "model": "amazon.nova-lite-v1:0", "region": "eu-west-1", "input_uncached": 5},
            "input@standard,region=eu-west-1",
        ),
    ],
)
def test_what_no_rate_names_is_unpriced_and_spelt_out(priced, request_, missing):
    row = priced(request_)["r0"]
    assert (row["cost_basis"], row["cost_usd"], row["missing"]) == ("unpriced", None, missing)


def test_without_a_rate_the_senders_figure_stands_but_not_an_estimate_of_nothing(priced):
    unknown = {"model": "gpt-99", "input_uncached": 5}
    made = priced(
        {**unknown, "request_key": "figure", "recorded_usd": Decimal("0.25")},
        {**unknown, "request_key": "estimate", "recorded_usd": Decimal("0.25"), "recorded_is_estimate": True},
        {**unknown, "request_key": "free", "recorded_usd": Decimal(0)},
        {
            **unknown,
            "request_key": "estimated nothing",
            "recorded_usd": Decimal(0),
            "recorded_is_estimate": True,
        },
        {"request_key": "known", "input_uncached": 4_000, "recorded_usd": Decimal("0.25")},
    )
    assert {k: (r["cost_basis"], r["cost_usd"], r["rate_source"] == "recorded") for k, r in made.items()} == {
        "figure": ("recorded", Decimal("0.25"), True),
        "estimate": ("recorded", Decimal("0.25"), True),
        "free": ("recorded", Decimal(0), True),
        "estimated nothing": ("unpriced", None, False),
        "known": ("computed", Decimal("0.01"), False),
    }


def test_nothing_billable_costs_nothing_whatever_the_model(priced):
    made = priced(
        {"request_key": "unknown", "model": "gpt-99"},
        {"request_key": "failed", "status": "error"},
        {"request_key": "no tier", "service_tier": "scale"},
        {
            "request_key": "gateway's zero",
            "model": "gpt-99",
            "recorded_usd": Decimal(0),
            "recorded_is_estimate": True,
        },
        {"request_key": "by the image", "model": "gpt-99", "recorded_usd": Decimal("0.04")},
    )
    assert {k: (r["cost_basis"], r["cost_usd"], r["missing"]) for k, r in made.items()} == {
        "unknown": ("computed", Decimal(0), None),
        "failed": ("computed", Decimal(0), None),
        "no tier": ("computed", Decimal(0), None),
        "gateway's zero": ("computed", Decimal(0), None),
        "by the image": ("recorded", Decimal("0.04"), None),
    }


def test_an_error_costs_what_its_tokens_cost(cost):
    assert cost(status="error", input_uncached=1_000) == cost(input_uncached=1_000) == Decimal("0.0025")


@pytest.mark.parametrize(
    ("request_", "usd"),
    [
        # the threshold itself belongs to the lower band; the band prices the whole request
        ({"model": "gpt-5.4", "input_uncached": 272_000}, "0.68"),
        ({"model": "gpt-5.4", "input_uncached": 272_001}, "1.360005"),
        ({"model": "gpt-5.4", "input_uncached": 272_000, "cache_read": 1}, "1.3600005"),
        ({"model": "gpt-5.4", "input_uncached": 272_001, "output_nonreasoning": 1_000}, "1.382505"),
        ({"provider": "google", "model": "gemini-2.5-pro", "input_uncached": 200_000}, "0.25"),
        ({"provider": "google", "model": "gemini-2.5-pro", "input_uncached": 200_001}, "0.5000025"),
        # xAI's bound is inclusive: 200,000 tokens are long already
        ({"provider": "x-ai", "model": "grok-4.3", "input_uncached": 199_999}, "0.24999875"),
        ({"provider": "x-ai", "model": "grok-4.3", "input_uncached": 200_000}, "0.5"),
    ],
)
def test_a_context_band_prices_the_whole_request_above_its_threshold(cost, request_, usd):
    assert cost(**request_) == Decimal(usd)


def test_extra_input_tokens_count_towards_the_band(priced):
    image = {
        "provider": "google",
        "model": "gemini-2.5-pro",
        "input_uncached": 199_000,
        "extras": {"input_image": 1_001},
    }
    assert priced(image)["r0"]["cost_usd"] == Decimal("0.5000025")


def test_priority_takes_no_long_context(priced):
    made = priced(
        {"request_key": "short", "model": "gpt-5.5", "service_tier": "priority", "input_uncached": 272_000},
        {"request_key": "long", "model": "gpt-5.5", "service_tier": "priority", "input_uncached": 272_001},
    )
    assert made["short"]["cost_usd"] == Decimal("3.4")
    assert made["long"]["missing"] == "input@priority"


@pytest.mark.parametrize(
    ("provider", "model", "instant", "usd"),
    [
        ("openai", "o3", "2025-06-09T23:59:59Z", "0.01"),  # $10 -> $2, https://openai.com/api/pricing
        ("openai", "o3", "2025-06-10T00:00:00Z", "0.002"),
        ("openai", "o3", "2025-06-09T23:30:00-01:00", "0.002"),  # an instant, not a wall clock
        ("openai", "gpt-5.6-sol", "2026-08-20T23:59:59.999999Z", "0.005"),
        ("openai", "gpt-5.6-sol", "2026-08-21T00:00:00Z", "0.004"),
        ("mistral", "mistral-large-latest", "2025-12-01T12:00:00Z", "0.002"),
        ("mistral", "mistral-large-latest", "2025-12-02T00:00:00Z", "0.0005"),
        ("deepseek", "deepseek-chat", "2025-02-07T12:00:00Z", "0.00014"),
        ("deepseek", "deepseek-chat", "2025-02-08T16:00:00Z", "0.00027"),
        ("deepseek", "deepseek-chat", "2025-06-02T16:29:59Z", "0.00027"),
        ("deepseek", "deepseek-chat", "2025-06-02T16:30:00Z", "0.000135"),
        ("deepseek", "deepseek-chat", "2025-06-02T00:29:59Z", "0.000135"),
        ("deepseek", "deepseek-chat", "2025-09-05T17:00:00Z", "0.00056"),
        ("deepseek", "deepseek-chat", "2025-09-29T12:00:00Z", "0.00028"),
        ("deepseek", "deepseek-v4-flash", "2026-11-10T00:59:59Z", "0.00015"),  # a Tuesday
        ("deepseek", "deepseek-v4-flash", "2026-11-10T01:00:00Z", "0.0003"),
        ("deepseek", "deepseek-v4-flash", "2026-11-10T04:00:00Z", "0.00015"),
        ("deepseek", "deepseek-v4-flash", "2026-11-14T01:00:00Z", "0.00015"),  # a Saturday
        ("deepseek", "deepseek-v4-flash", "2026-10-01T01:00:00Z", "0.00015"),  # a Chinese holiday
        (
            "deepseek",
            "deepseek-v4-flash",
            "2026-08-22T01:00:00Z",
            "0.00044",
        ),  # weekends were peak for one week
    ],
)
def test_a_price_is_that_of_its_instant(cost, provider, model, instant, usd):
    assert cost(provider=provider, model=model, time=instant, input_uncached=1_000) == Decimal(usd)


def test_deepseek_chat_has_no_price_after_its_end(cost):
    assert cost(provider="deepseek", model="deepseek-chat", time="2026-08-01T00:00:00Z", input_uncached=1) is None


@pytest.mark.parametrize(
    ("request_", "usd"),
    [
        # OpenAI, batch and flex before genai-prices lists them: half
        (
            {
                "model": "gpt-4o",
                "time": "2024-09-01T00:00:00Z",
                "service_tier": "batch",
                "input_uncached": 1_000,
            },
            "0.00125",
        ),
        (
            {
                "model": "gpt-4o",
                "time": "2024-04-14T00:00:00Z",
                "service_tier": "batch",
                "input_uncached": 1_000,
            },
            None,
        ),
        (
            {"model": "o3", "time": "2025-06-01T00:00:00Z", "service_tier": "batch", "input_uncached": 1_000},
            "0.005",
        ),
        (
            {
                "model": "gpt-5.4",
                "time": "2026-05-01T00:00:00Z",
                "service_tier": "batch",
                "cache_read": 1_000_000,
            },
            "0.25",
        ),
        (
            {
                "model": "gpt-5.4",
                "time": "2026-05-01T00:00:00Z",
                "service_tier": "batch",
                "cache_read": 1_000,
            },
            "0.00013",
        ),
        (
            {
                "model": "gpt-5.6-luna",
                "time": "2026-07-01T00:00:00Z",
                "service_tier": "flex",
                "input_uncached": 1_000,
            },
            "0.0005",
        ),
        (
            {
                "model": "gpt-5",
                "time": "2026-01-01T00:00:00Z",
                "service_tier": "priority",
                "input_uncached": 1_000,
            },
            "0.0025",
        ),
        ({"model": "text-embedding-3-small", "service_tier": "batch", "input_uncached": 1_000_000}, "0.01"),
        # Anthropic: caching multipliers stack with batch
        (
            {**SONNET, "time": "2026-02-01T00:00:00Z", "service_tier": "batch", "cache_write_long": 1_000},
            "0.003",
        ),
        (
            {**SONNET, "time": "2026-02-01T00:00:00Z", "service_tier": "batch", "input_uncached": 200_001},
            "0.600003",
        ),
        (
            {
                "provider": "anthropic",
                "model": "claude-3-5-sonnet-20241022",
                "time": "2025-05-01T00:00:00Z",
                "service_tier": "batch",
                "output_nonreasoning": 1_000,
            },
            "0.0075",
        ),
        ({**SONNET, "service_tier": "flex", "input_uncached": 1_000}, None),
        (
            {
                "provider": "google",
                "model": "gemini-2.5-flash",
                "time": "2025-08-01T00:00:00Z",
                "service_tier": "batch",
                "input_uncached": 1_000,
                "cache_read": 1_000,
            },
            "0.00018",
        ),
        (
            {
                "provider": "aws",
                "model": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
                "service_tier": "batch",
                "input_uncached": 1_000,
            },
            "0.00055",
        ),
        (
            {"provider": "azure", "model": "gpt-4.1", "service_tier": "batch", "input_uncached": 1_000},
            "0.001",
        ),
        ({"provider": "azure", "model": "gpt-4.1", "service_tier": "batch", "cache_read": 1_000}, None),
        (
            {"provider": "azure", "model": "gpt-5-mini", "service_tier": "batch", "cache_read": 1_000_000},
            "0.0125",
        ),
    ],
)
def test_a_tier_has_the_price_its_vendor_documents_or_none(cost, request_, usd):
    assert cost(**request_) == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(
    ("request_", "usd"),
    [
        ({"model": "gpt-5.4", "region": "eu", "input_uncached": 1_000}, "0.00275"),
        ({"model": "gpt-5.4", "region": "EU", "service_tier": "batch", "input_uncached": 1_000}, "0.001375"),
        ({"model": "gpt-4.1", "region": "eu", "input_uncached": 1_000}, "0.002"),
        ({"model": "gpt-5.4", "region": "global", "input_uncached": 1_000}, "0.0025"),
        ({**SONNET, "region": "us", "input_uncached": 1_000}, "0.0033"),
        ({**SONNET, "region": "us", "service_tier": "batch", "cache_read": 1_000}, "0.000165"),
        (
            {"provider": "anthropic", "model": "claude-haiku-4-5", "region": "us", "input_uncached": 1_000},
            None,
        ),
        (
            {
                "provider": "google",
                "model": "claude-haiku-4-5@20251001",
                "region": "europe-west1",
                "input_uncached": 1_000,
            },
            "0.0011",
        ),
        (
            {
                "provider": "google",
                "model": "gemini-2.5-flash",
                "region": "us-central1",
                "input_uncached": 1_000,
            },
            "0.0003",
        ),
        ({"provider": "azure", "model": "gpt-4o", "region": "eu", "input_uncached": 1_000}, "0.00275"),
        ({"provider": "azure", "model": "gpt-4o", "region": "swedencentral", "input_uncached": 1_000}, None),
        # Bedrock: the profile is part of the price, wherever the call was made from
        (
            {
                "provider": "aws",
                "model": "us.anthropic.claude-sonnet-5",
                "region": "us",
                "input_uncached": 1_000,
            },
            "0.0022",
        ),
        (
            {
                "provider": "aws",
                "model": "us.anthropic.claude-sonnet-5",
                "region": "us-east-1",
                "input_uncached": 1_000,
            },
            "0.0022",
        ),
        (
            {
                "provider": "aws",
                "model": "global.anthropic.claude-sonnet-5",
                "region": None,
                "input_uncached": 1_000,
            },
            "0.002",
        ),
        (
            {
                "provider": "aws",
                "model": "anthropic.claude-sonnet-5",
                "region": "global",
                "input_uncached": 1_000,
            },
            "0.002",
        ),
        (
            {
                "provider": "aws",
                "model": "anthropic.claude-sonnet-5",
                "region": "eu-central-1",
                "input_uncached": 1_000,
            },
            "0.0022",
        ),
        (
            {
                "provider": "aws",
                "model": "us.anthropic.claude-sonnet-5",
                "region": "eu",
                "input_uncached": 1_000,
            },
            None,
        ),
        (
            {
                "provider": "aws",
                "model": "amazon.nova-lite-v1:0",
                "region": "us-east-1",
                "input_uncached": 1_000,
            },
            "0.00006",
        ),
    ],
)
def test_a_region_has_its_own_price_or_none(cost, request_, usd):
    assert cost(**request_) == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(
    ("request_", "usd"),
    [
        ({"extras": {"web_search": 3}}, "0.03"),  # $10 per 1,000
        (
            {**SONNET, "extras": {"web_search": 1}, "service_tier": "batch"},
            "0.01",
        ),  # no batch rate for searches
        ({"model": "gpt-realtime", "extras": {"input_audio": 1_000, "output_audio": 1_000}}, "0.096"),
        ({"model": "gpt-realtime", "extras": {"cache_read_audio": 1_000}}, "0.0004"),
        ({"model": "gpt-image-1.5", "extras": {"output_image": 1_000}}, "0.032"),
        ({"model": "text-embedding-3-small", "extras": {"embedding": 1_000_000}}, "0.02"),
        (
            {"provider": "mistral", "model": "mistral-ocr-2512", "extras": {"input_document_pages": 7}},
            "0.014",
        ),
        ({"model": "whisper-1", "extras": {"audio_seconds": 90}}, "0.009"),  # $0.006 a minute
        # a third of a hundred-thousandth has no end, its hour does: $1.02
        ({"model": "gpt-live-transcribe", "extras": {"audio_seconds": 3_600}}, "1.02"),
        ({"model": "gpt-4.1", "extras": {"file_search": 2}}, "0.005"),
        (
            {
                "provider": "google",
                "model": "gemini-2.5-flash",
                "extras": {"input_image": 1_000, "input_audio": 1_000},
            },
            "0.0013",
        ),
        (
            {"provider": "perplexity", "model": "sonar", "input_uncached": 1_000_000},
            "1.012",
        ),  # with a fee per request
    ],
)
def test_further_classes_are_charged_at_their_own_rate(cost, request_, usd):
    assert cost(**request_) == Decimal(usd)


def test_extras_are_listed_by_sku_for_computed_requests_alone(con):
    load(
        con,
        [
            {"request_key": "a", "input_uncached": 100, "extras": {"web_search": 2, "file_search": 4}},
            {"request_key": "b", "input_uncached": 100, "extras": {"web_search": 2, "input_audio": 4}},
        ],
    )
    price(con, RateBook())
    rows = con.execute("select request_key, sku, quantity, unit_price_usd, amount_usd from priced_extras order by sku")
    assert rows.fetchall() == [
        ("a", "file_search", 4, Decimal("0.0025"), Decimal("0.01")),
        ("a", "web_search", 2, Decimal("0.01"), Decimal("0.02")),
    ]


def test_amounts_are_rounded_half_to_even_at_twelve_places(con, tmp_path):
    (tmp_path / "rates.yaml").write_text(
        'discounts: [{provider: openai, model: gpt-4o, percent: "99.99998"}]', encoding="utf-8"
    )
    book = RateBook.for_models([("openai", "gpt-4o")], tmp_path / "rates.yaml")
    # 2.5e-6 * 2e-7 = 5e-13 a token
    load(con, [{"request_key": str(n), "input_uncached": n} for n in (1, 2, 3, 5)])
    price(con, book)
    assert dict(con.execute("select request_key, input_usd * 1e12 from priced").fetchall()) == {
        "1": 0, "2": 1, "3": 2, "5": 2,
    }  # fmt: skip


def test_a_candidate_costs_what_the_same_requests_would_have_cost_on_it(con):
    tags = {"workflow": "review", "task_type": "extract"}
    load(
        con,
        [
            {
                **tags,
                "model": "gpt-5",
                "input_uncached": 1_000_000,
                "cache_read": 1_000_000,
                "output_nonreasoning": 1_000_000,
            },
            {**tags, "model": "gpt-5", "service_tier": "flex", "input_uncached": 1_000_000},
        ],
        "workflow",
        "task_type",
    )
    found = reprice(
        con, RateBook(), [("openai", "gpt-5-mini"), ("anthropic", "claude-haiku-4-5"), ("openai", "gpt-99")]
    )
    assert found.rows() == [
        # haiku has no flex tier: the second request counts at its standard price
        ("review", "extract", "anthropic", "claude-haiku-4-5", 2, Decimal("7.1")),
        ("review", "extract", "openai", "gpt-5-mini", 2, Decimal("2.4")),
        ("review", "extract", "openai", "gpt-99", 2, None),
    ]


QUANTITIES = (
    "input_uncached",
    "cache_read",
    "cache_write",
    "cache_write_long",
    "output_nonreasoning",
    "output_reasoning",
)
counts = st.integers(min_value=0, max_value=30_000)
MODELS = [("anthropic", "claude-opus-5-5"), ("openai", "gpt-5.6"), ("openai", "gpt-5-mini"), SONNET.values()]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(model=st.sampled_from([tuple(m) for m in MODELS]), parts=st.tuples(*[counts] * 6), times=st.integers(1, 7))
def test_cost_is_linear_in_quantity_additive_over_classes_and_never_negative(priced, model, parts, times):
    provider, name = model
    common = {"provider": provider, "model": name}
    quantities = dict(zip(QUANTITIES, parts, strict=True))
    if name == "gpt-5.6":
        quantities["cache_write_long"] = 0  # no rate
    made = priced(
        {**common, "request_key": "whole", **quantities},
        {**common, "request_key": "more", **{k: q * times for k, q in quantities.items()}},
        *({**common, "request_key": k, k: q} for k, q in quantities.items()),
    )
    assert made["whole"]["cost_usd"] == sum(made[k]["cost_usd"] for k in quantities)
    assert made["more"]["cost_usd"] == made["whole"]["cost_usd"] * times or sum(parts) * times > 199_999
    assert all(row["cost_usd"] >= 0 for row in made.values())
    assert made["more"]["cost_usd"] >= made["whole"]["cost_usd"]
