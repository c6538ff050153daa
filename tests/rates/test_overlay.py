"""The reviewed overlay: every block says how well it is known, agrees with a second price table, and follows on."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices.data import providers

from pipelines.rates.book import Rate, RateBook
from pipelines.rates.cards import price
from pipelines.rates.classes import MAIN
from pipelines.rates.overlay import overlay, overlay_text, read_overlay
from pipelines.rates.overlay_blocks import holds
from pipelines.workspace.errors import OutlayError
from tests.rates.conftest import load
from tests.rates.witness import witnessed

READ = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENTRIES = [(p.id, m.id) for p in providers for m in p.models]
MAKERS = {p.id: {p.id, *(p.fallback_model_providers or ())} for p in providers}
#: (provider, tier, model pattern, class) where the second table says something else, and why ours stands
DISPUTED = {
    ("aws", "batch", "claude-sonnet-4-5-20250929", "*"): "the table halves the global price for the regional name",
    ("aws", "batch", "claude-haiku-4-5-20251001", "*"): "the table halves the global price for the regional name",
    ("azure", "standard", "gpt-4o", "cache_write"): "half the input for writing is in no price list of Azure",
    ("azure", "standard", "gpt-5-codex", "cache_read"): "0.1375 rounded; the list knows it under gpt-5",
    ("deepseek", "standard", "deepseek", "*"): "the table has the peak price, noon is off-peak; writing is the miss",
    ("google", "flex", "gemini-3.5-flash", "cache_read"): "Vertex AI's price; the Gemini API documents 0.02 and 0.08",
}


@pytest.fixture(scope="module")
def book() -> RateBook:
    return RateBook.for_models([*ENTRIES, *((m.provider, m.model.rstrip("*")) for m in overlay().models)])


def test_what_the_overlay_says_of_today_agrees_with_a_second_price_table():
    table = list(witnessed())
    compiled = RateBook.for_models({(w.provider, w.model) for w in table})
    rates: dict[tuple, list[Rate]] = defaultdict(list)
    for r in compiled.rates:
        if r.in_force(READ) and "overlay" in r.source:
            rates[r.provider, r.model, r.region, r.class_, r.service_tier].append(r)
    agreed, disputed, other = 0, set(), []
    for w in table:
        key = compiled.region_key(w.provider, w.model, w.region)
        for rate in rates.get((w.provider, w.model, key, w.class_, w.tier), ()):
            top = rate.band_upto or 1 << 62
            if not rate.band_over <= max(w.over, 0) < top or (w.over < 0 <= rate.band_over):
                continue
            if rate.unit_price == w.price:
                agreed += 1
                continue
            named = [
                d for d in DISPUTED if d[:2] == (w.provider, w.tier) and d[2] in w.model and d[3] in (w.class_, "*")
            ]
            disputed.update(named)
            if not named:
                other.append((w, rate.unit_price))
    assert other == []
    assert disputed == set(DISPUTED)
    assert agreed > 1_000


def test_every_dated_change_has_the_price_of_its_own_side(con, book):
    """Of the list and of the overlay, for every model, tier and class: a microsecond before, and at the instant."""
    sides: dict[tuple, list[Rate]] = defaultdict(list)
    for rate in book.rates:
        if not rate.region and rate.band_over <= 0 and rate.class_ in MAIN[:5]:
            sides[rate.provider, rate.model, rate.service_tier, rate.class_].append(rate)
    asked, wanted = [], {}
    for (provider, model, tier, cls), rates in sides.items():
        column = {"input": "input_uncached", "output": "output_nonreasoning"}.get(cls, cls)
        for day in sorted({d for r in rates for d in (r.valid_from, r.valid_to) if d is not None}):
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            for instant in (midnight - timedelta(microseconds=1), midnight):
                key = f"{provider} {model} {tier} {cls} {instant.isoformat()}"
                holding = [r for r in rates if r.in_force(instant)]
                assert len(holding) <= 1
                wanted[key] = holding[0].unit_price * 1_000 if holding else None
                asked.append(
                    {"request_key": key, "provider": provider, "model": model, "time": instant, "service_tier": tier,
                     column: 1_000}
                )  # fmt: skip
    load(con, asked)
    price(con, book)
    fees = "select request_key, sum(amount_usd) as fee from priced_extras group by request_key"
    rows = con.execute(
        f"select request_key, cost_usd - coalesce(fee, 0) from priced left join ({fees}) using (request_key)"
    )
    made = dict(rows.fetchall())
    off = {
        key: (made[key], usd)
        for key, usd in wanted.items()
        if (made[key] is None) != (usd is None) or (usd is not None and abs(made[key] - usd) > Decimal("1e-12"))
    }
    assert off == {}
    days = {k.rsplit(" ", 1)[1][:10] for k in wanted}
    assert len(wanted) > 2_000
    assert len(days) > 100


def test_every_block_of_the_overlay_matches_an_entry_and_names_a_source():
    added = {(m.provider, m.model) for m in overlay().models}
    known = {*ENTRIES, *added}
    for block in (*overlay().tiers, *overlay().regions, *overlay().classes, *overlay().history):
        assert block.source.startswith("https://")
        for pattern in block.models:
            one = block.model_copy(update={"models": (pattern,)})
            makers = MAKERS[block.provider]
            assert any(p in makers and one.covers(block.provider, m) for p, m in known), f"{block.provider}: {pattern}"
    for alias in overlay().aliases:
        assert alias.source.startswith("https://")
        assert alias.model is None or RateBook.for_models([(alias.provider, alias.model)]).rates, alias


def test_no_two_blocks_give_one_class_of_one_model_and_tier_on_one_day():
    twice = []
    for provider, makers in MAKERS.items():
        rules = [r for r in overlay().tiers if r.provider == provider and r.priced]
        for entry in {m for p, m in ENTRIES if p in makers} if rules else ():
            covering = [r for r in rules if r.covers(provider, entry)]
            twice += [
                (entry, one.source, other.source)
                for i, one in enumerate(covering)
                for other in covering[i + 1 :]
                if one.tier == other.tier and one.priced & other.priced and _meet(one, other)
            ]
    assert twice == []


def _meet(one, other) -> bool:
    start = max(one.from_ or date.min, other.from_ or date.min)
    return holds(one, start) and holds(other, start)


def test_what_nobody_compared_is_derived_and_priced_all_the_same(book):
    states = defaultdict(int)
    for rate in book.rates:
        states[rate.basis] += 1
        assert (rate.verified_on is None) == (rate.basis in ("list", "derived"))
    assert set(states) == {"list", "page", "table", "derived"}
    assert any(b.seen_since for b in overlay().tiers)
    assert all(b.verified is None or b.verified >= date(2026, 11, 22) for b in (*overlay().tiers, *overlay().history))


BLOCK = 'source: "https://example.com/prices", verified: 2026-11-22'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            f'history: [{{provider: x, models: [a], until: 2026-02-01, usd_per_million: {{input: "1"}}, {BLOCK}}}, '
            f'{{provider: x, models: [a], from: 2026-01-31, usd_per_million: {{input: "2"}}, {BLOCK}}}]',
            "history: x/a: .* both hold on 2026-01-31",
        ),
        (
            f'history: [{{provider: x, models: [a], until: 2026-02-01, usd_per_million: {{input: "1"}}, {BLOCK}}}, '
            f'{{provider: x, models: [a], from: 2026-02-02, usd_per_million: {{input: "2"}}, {BLOCK}}}]',
            "history: x/a: nothing holds from 2026-02-01 to 2026-02-02: close the gap, or say why",
        ),
        (
            f'history: [{{provider: x, models: [a], window: ["00:00", "12:00"], usd_per_million: {{input: "1"}}, {BLOCK}}}]',
            "parts of the week of 0001-01-01 are left out",
        ),
        (
            f'tiers: [{{provider: x, tier: batch, factor: "0.5", classes: [input], until: 2026-02-01, {BLOCK}}}, '
            f'{{provider: x, tier: batch, factor: "0.4", classes: [input], from: 2026-03-01, {BLOCK}}}]',
            r"tiers: x/\* input at batch: nothing holds from 2026-02-01 to 2026-03-01",
        ),
        (
            f'regions: [{{provider: x, regions: [eu], factor: "1.1", {BLOCK}}}, '
            f'{{provider: x, regions: [eu, us], factor: "1.2", from: 2026-03-01, {BLOCK}}}]',
            r"regions: x/\* in eu: .* both hold on 2026-03-01",
        ),
        (
            f"aliases: [{{provider: x, alias: a, model: b, until: 2026-01-01, {BLOCK}}}, "
            f"{{provider: x, alias: a, model: c, from: 2026-01-02, {BLOCK}}}]",
            "aliases: x/a: nothing holds from 2026-01-01 to 2026-01-02",
        ),
        (
            'tiers: [{provider: x, tier: batch, factor: "0.5", source: "https://example.com", verified: null}]',
            "`verified: null` and `basis: derived` together",
        ),
        (
            'tiers: [{provider: x, tier: batch, factor: "0.5", source: "https://example.com", verified: 2026-11-22, basis: derived}]',
            "`verified: null` and `basis: derived` together",
        ),
        (f'tiers: [{{provider: x, tier: batch, factor: "0.5", basis: table, {BLOCK}}}]', "`seen_in` together"),
        (
            f'tiers: [{{provider: x, tier: batch, factor: "0.5", classes: [input], from: 2026-10-01T16:00:00Z, {BLOCK}}}]',
            r"tiers\.0\.from: .*expected a UTC day such as 2026-10-01, found an instant, 2026-10-01T16:00:00",
        ),
        (
            f'classes: [{{provider: x, class: output, excess: true, usd_per_million: [[0, "1"], [9, "2"]], {BLOCK}}}]',
            "excess: expected two bands, of input, cache_read, cache_write, cache_write_long alone; found output",
        ),
    ],
)
def test_an_overlay_that_overlaps_leaves_a_hole_or_claims_too_much_is_refused(text, complaint):
    with pytest.raises(OutlayError, match=complaint):
        read_overlay(text)


def test_a_gap_with_its_reason_is_taken():
    told = read_overlay(
        f'history: [{{provider: x, models: [a], until: 2026-02-01, usd_per_million: {{input: "1"}}, {BLOCK}}}, '
        f'{{provider: x, models: [a], from: 2026-02-02, usd_per_million: {{input: "2"}}, gap: "not sold", {BLOCK}}}]'
    )
    assert len(told.history) == 2


def test_a_name_whose_model_is_not_known_for_a_time_has_no_price_then(cost):
    latest = {"provider": "google", "model": "gemini-flash-latest", "input_uncached": 1_000_000}
    assert [cost(**latest, time=f"{day}T12:00:00Z") for day in ("2025-12-01", "2026-01-25", "2026-06-01", "2026-11-21")] == [
        Decimal("0.3"), Decimal("0.5"), None, Decimal("0.75"),
    ]  # fmt: skip


EXCESS = f"""
  - {{provider: mistral, models: [graded], usd_per_million: {{input: [[0, "1"], [1000, "3"]],
     cache_read: [[0, "0.1"], [1000, "0.3"]], cache_write: "2", output: "5"}}, excess: true, {BLOCK}}}
"""


@pytest.fixture
def graded(monkeypatch):
    """A model whose long prompts pay more for the tokens above 1,000 alone."""
    model = f"models:\n  - {{provider: mistral, model: graded, {BLOCK}}}\n"
    with_it = read_overlay(overlay_text().replace("models:\n", model, 1) + EXCESS)
    for module in ("identity", "pricelist"):
        monkeypatch.setattr(f"pipelines.rates.{module}.overlay", lambda: with_it)


@pytest.mark.parametrize(
    ("quantities", "usd"),
    [
        ({"input_uncached": 1_000}, "0.001"),  # the threshold belongs to the lower band
        ({"input_uncached": 1_001}, "0.001003"),
        ({"input_uncached": 700, "cache_read": 800}, "0.00178"),  # 200 x 1 + 500 x 3 + 800 x 0.1
        ({"input_uncached": 200, "cache_read": 1_300}, "0.00079"),  # 200 x 3 + 1,000 x 0.1 + 300 x 0.3
        ({"input_uncached": 900, "cache_write": 600}, "0.0031"),  # 400 x 1 + 500 x 3 + 600 x 2 at its one price
        ({"input_uncached": 2_000, "output_nonreasoning": 10}, "0.00405"),  # output has no excess
    ],
)
def test_a_band_that_prices_the_excess_alone_leaves_the_rest_of_the_prompt_as_it_is(graded, cost, quantities, usd):
    assert cost(provider="mistral", model="graded", **quantities) == Decimal(usd)


def test_the_excess_is_a_charge_of_its_own_and_the_requests_stay_as_they_were(graded, con):
    request = {"request_key": "a", "provider": "mistral", "model": "graded", "input_uncached": 700, "cache_read": 800}
    load(con, [request])
    for _ in range(2):  # pricing again gives the same
        price(con, RateBook())
        assert con.execute("select input_usd, cache_read_usd, cost_usd from priced").fetchall() == [
            (Decimal("0.0002"), Decimal("0.00008"), Decimal("0.00178"))
        ]
        extras = con.execute("select sku, quantity, unit_price_usd, amount_usd from priced_extras").fetchall()
        assert extras == [("input_excess", 500, Decimal("0.000003"), Decimal("0.0015"))]
    assert con.execute("select input_uncached, cache_read, extras from to_price").fetchall() == [(700, 800, {})]


def test_a_rate_of_the_excess_says_so(graded):
    rates = RateBook.for_models([("mistral", "graded")]).rates
    assert [(r.band_over, r.excess, r.unit_price) for r in rates if r.class_ == "input"] == [
        (-1, False, Decimal("0.000001")),
        (1000, True, Decimal("0.000003")),
    ]
