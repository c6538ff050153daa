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

from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from tests.rates.conftest import load
from tests.rates.explained import EXPLAINED
from tests.rates.theirs import entry_of, theirs

#: Each of at most seven charges is rounded once, to 12 places.
ROUNDING = Decimal("3.5e-12")
COMPARED = 10_000


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
    """A third of them on the makers with tiers, a few on the models whose difference is explained."""
    rng = random.Random(seed)
    pairs = known_names()
    makers = [p for p in pairs if p[0] in ("openai", "anthropic", "google", "mistral")]
    special = {
        (p.id, m.id): [(p.id, n) for n in (m.id, *names(m.match))]
        for p in providers
        for m in p.models
        if (p.id, m.id) in EXPLAINED
    }
    start = datetime(2024, 6, 1, tzinfo=UTC)
    some = lambda chance, most: rng.randrange(1, most) if rng.random() < chance else 0  # noqa: E731
    requests = []
    for i in range(count):
        explained = i % 10 == 0
        wanted = special[rng.choice(sorted(special))] if explained else pairs if i % 2 else makers
        provider, model = rng.choice(wanted)
        requests.append(
            {
                "request_key": f"r{i}",
                "provider": provider,
                "model": model,
                "time": start + timedelta(seconds=rng.randrange(70_000_000 if explained and i % 20 else 0, 78_000_000)),
                "service_tier": rng.choice(["standard"] * 9 + ["batch", "flex", "priority"]),
                "input_uncached": some(0.9, rng.choice([2_000, 150_000, 400_000])),
                "cache_read": some(0.3, rng.choice([2_000, 150_000])),
                "cache_write": some(0.1, 50_000),
                "cache_write_long": some(0.05, 50_000),
                "output_nonreasoning": some(0.9, 20_000),
                "extras": {"web_search": rng.randrange(1, 9)} if rng.random() < 0.05 else {},
            }
        )
    return requests


@pytest.mark.parametrize("seed", range(8 if os.environ.get("OUTLAY_FULL") == "1" else 1))
def test_ten_thousand_random_requests_agree_with_genai_prices(con, seed):
    requests = random_requests(20_600, seed)
    load(con, requests)
    price(con, RateBook())
    ours = dict(con.execute("select request_key, cost_usd from priced where cost_basis = 'computed'").fetchall())
    compared, differing, used = 0, [], set()
    for request in requests:
        mine, other = ours.get(request["request_key"]), theirs(request)
        if mine is None or other is None:
            continue
        compared += 1
        if abs(mine - other) > ROUNDING:
            if entry_of(request) in EXPLAINED:
                used.add(entry_of(request))
            else:
                differing.append((request, mine, other))
    assert differing == []
    assert compared >= COMPARED
    assert used == set(EXPLAINED)
