"""Ten thousand random requests against genai_prices' own arithmetic, wherever both claim a price."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import types as gp
from genai_prices.data import providers
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage

from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from tests.rates.conftest import load

CONTEXT = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
#: Where the two differ on purpose: (provider, name) -> why.
EXPLAINED = {
    ("deepseek", "deepseek-chat"): "genai-prices knows one schedule for all years",
    ("deepseek", "deepseek-reasoner"): "genai-prices knows one schedule for all years",
    ("deepseek", "deepseek-v4-flash"): "its peak windows ignore dates and weekends",
    ("deepseek", "deepseek-v4-pro"): "its peak windows ignore dates and weekends",
    ("deepseek", "deepseek-flash"): "its peak windows ignore weekends",
    ("azure", "o4-mini"): "its pattern takes in o4-mini-deep-research, another model at another price",
    (
        "mistral",
        "mistral-large",
    ): "mistral-large-latest is listed under Large 2, served by Large 3 since 2025-12-02",
}


def names(match: gp.MatchLogic) -> list[str]:
    if isinstance(match, gp.ClauseOr):
        return [n for c in match.or_ for n in names(c)]
    return [match.equals] if isinstance(match, gp.ClauseEquals) else []


def known_names() -> list[tuple[str, str]]:
    pairs = {(p.id, n) for p in providers for m in p.models for n in (m.id, *names(m.match))}
    pairs |= {("azure", m.id) for p in providers if p.id == "openai" for m in p.models}
    pairs |= {
        ("aws", f"{x}.anthropic.claude-{m}") for x in ("us", "eu", "global") for m in ("sonnet-5", "haiku-4-5-20251001")
    }
    return sorted(pairs)


def random_requests(count: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    pairs = known_names()
    makers = [p for p in pairs if p[0] in ("openai", "anthropic")]
    start = datetime(2024, 6, 1, tzinfo=UTC)
    some = lambda chance, most: rng.randrange(1, most) if rng.random() < chance else 0  # noqa: E731
    requests = []
    for i in range(count):
        provider, model = rng.choice(pairs if i % 3 else makers)
        requests.append(
            {
                "request_key": f"r{i}",
                "provider": provider,
                "model": model,
                "time": start + timedelta(seconds=rng.randrange(79_000_000)),
                "service_tier": rng.choice(["standard"] * 7 + ["batch", "flex", "priority"]),
                "input_uncached": some(0.9, rng.choice([2_000, 150_000, 400_000])),
                "cache_read": some(0.5, rng.choice([2_000, 150_000])),
                "cache_write": some(0.2, 50_000),
                "cache_write_long": some(0.1, 50_000),
                "output_nonreasoning": some(0.9, 20_000),
                "extras": {"web_search": rng.randrange(1, 9)} if rng.random() < 0.05 else {},
            }
        )
    return requests


def entry_of(request: dict[str, Any]) -> tuple[str, str]:
    _, model = get_snapshot().find_provider_model(request["model"], None, request["provider"], None)
    return request["provider"], model.id


def theirs(request: dict[str, Any]) -> Decimal | None:
    """calc_price, or None where genai-prices has no price for the model or its tier on that day."""
    try:
        provider, model = get_snapshot().find_provider_model(request["model"], None, request["provider"], None)
    except LookupError:
        return None
    context = CONTEXT.get(request["service_tier"])
    if context is not None:
        offered = [
            v for v in model.price_variants or () if v.when == context and any(model is m for m in provider.models)
        ]
        if not any(v.constraint is None or v.constraint.active(request["time"]) for v in offered):
            return None
    written = request["cache_write"] + request["cache_write_long"]
    usage = Usage(
        input_tokens=request["input_uncached"] + request["cache_read"] + written,
        cache_read_tokens=request["cache_read"],
        cache_write_tokens=written,
        cache_write_1h_tokens=request["cache_write_long"],
        output_tokens=request["output_nonreasoning"],
        web_searches=request["extras"].get("web_search", 0),
    )
    made = model.calc_price(usage, provider, genai_request_timestamp=request["time"], price_context=context)
    return made.total_price


@pytest.mark.parametrize("seed", range(10 if os.environ.get("OUTLAY_FULL") == "1" else 1))
def test_ten_thousand_random_requests_agree_with_genai_prices(con, seed):
    requests = random_requests(10_000, seed)
    load(con, requests)
    price(con, RateBook())
    ours = dict(con.execute("select request_key, cost_usd from priced where cost_basis = 'computed'").fetchall())
    compared, differing = 0, []
    for request in requests:
        mine, other = ours.get(request["request_key"]), theirs(request)
        if mine is None or other is None:
            continue
        compared += 1
        # each of at most seven charges is rounded once, to 12 places
        if abs(mine - other) > Decimal("3.5e-12") and entry_of(request) not in EXPLAINED:
            differing.append((request, mine, other))
    assert differing == []
    assert compared > 3_000
