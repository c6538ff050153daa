"""What holds of every contract: list costs don't know it, contracted ones are exact, additive, and never negative."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract

CLASSES = {"input": "input_uncached", "cache_read": "cache_read", "output": "output_nonreasoning"}
PICO = Decimal("1e-12")
percents = st.decimals(min_value=-100, max_value=100, places=4)
amounts = st.decimals(min_value=0, max_value=50, places=6)
counts = st.integers(0, 30_000)


def exact(price: Decimal, quantity: int) -> Decimal:
    """Unit price times quantity, rounded half-even once to 12 places, by fractions."""
    scaled = Fraction(price) * quantity * 10**12
    return Decimal(round(scaled)).scaleb(-12)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    percent=percents,
    negotiated=st.dictionaries(st.sampled_from(sorted(CLASSES)), amounts, max_size=2),
    parts=st.tuples(counts, counts, counts),
    times=st.integers(1, 6),
)
def test_any_contract_prices_exactly_and_leaves_the_list_as_it_is(tmp_path, priced, percent, negotiated, parts, times):
    path = tmp_path / "rates.yaml"
    path.write_text(
        f'discounts: [{{provider: openai, percent: "{percent}"}}]\nrates: ['
        + ", ".join(
            f'{{provider: openai, model: gpt-5.4, class: {name}, usd_per_million: "{usd:f}"}}'
            for name, usd in negotiated.items()
        )
        + "]\n"
    )
    common = {"provider": "openai", "model": "gpt-5.4"}
    quantities = dict(zip(CLASSES.values(), parts, strict=True))
    requests = [
        {**common, "request_key": "whole", **quantities},
        {**common, "request_key": "more", **{k: q * times for k, q in quantities.items()}},
        *({**common, "request_key": k, k: q} for k, q in quantities.items()),
    ]
    plain, made = priced(*requests), priced(*requests, book=RateBook(read_contract(path)))
    for key, row in made.items():
        assert row["list_cost_usd"] == plain[key]["cost_usd"] == plain[key]["list_cost_usd"]
        assert row["cost_usd"] >= 0
        for name, quantity in CLASSES.items():
            used = quantities[quantity] * {"whole": 1, quantity: 1, "more": times}.get(key, 0)
            assert row[f"{name}_usd"] == exact(row[f"{name}_price"], used)
            listed = row["listed"] or {f"{name}_price": row[f"{name}_price"], f"{name}_usd": row[f"{name}_usd"]}
            assert listed[f"{name}_price"] == plain[key][f"{name}_price"]
            assert listed[f"{name}_usd"] == plain[key][f"{name}_usd"]
            if name in negotiated:
                assert row[f"{name}_price"] == (negotiated[name] / 10**6).quantize(Decimal("1e-15"), ROUND_HALF_EVEN)
            elif percent >= 0:
                assert row[f"{name}_price"] <= plain[key][f"{name}_price"]
            else:
                assert row[f"{name}_price"] >= plain[key][f"{name}_price"]
    assert made["whole"]["cost_usd"] == sum(made[k]["cost_usd"] for k in quantities)
    assert made["more"]["cost_usd"] >= made["whole"]["cost_usd"]
    assert abs(made["more"]["cost_usd"] - times * made["whole"]["cost_usd"]) <= 3 * times * PICO


@pytest.mark.parametrize(
    ("percent", "said", "cost"),
    [("10", "contract: 10% off", "0.9"), ("-5", "contract: 5% mark-up (marketplace)", "1.05"), ("100", "contract: 100% off", "0"),
     ("33.333333", "contract: 33.333333% off", "0.66666667")],
)  # fmt: skip
def test_a_percentage_is_said_beside_the_price(tmp_path, priced, percent, said, cost):
    source = ", source: marketplace" if "marketplace" in said else ""
    path = tmp_path / "rates.yaml"
    path.write_text(f'discounts: [{{provider: openai, model: gpt-4o, percent: "{percent}"{source}}}]')
    row = priced({"input_uncached": 400_000}, book=RateBook(read_contract(path)))["r0"]
    assert (row["cost_usd"], row["list_cost_usd"]) == (Decimal(cost), Decimal(1))
    assert said in row["rate_source"]


def test_a_mark_up_begins_and_ends_with_its_dates(tmp_path, priced):
    path = tmp_path / "rates.yaml"
    path.write_text(
        'discounts: [{provider: aws, model: "*", percent: "-3", valid_from: 2026-10-01, valid_to: 2026-11-01, source: marketplace}]'
    )
    common = {"provider": "aws", "model": "global.anthropic.claude-sonnet-5", "input_uncached": 1_000_000}
    times = ("2026-09-30T23:59:59Z", "2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z")
    made = priced(*({**common, "request_key": t, "time": t} for t in times), book=RateBook(read_contract(path)))
    assert [str(made[t]["cost_usd"].normalize()) for t in times] == ["2", "2.06", "2.06", "2"]
    assert [made[t]["list_cost_usd"] for t in times] == [2, 2, 2, 2]
    assert [made[t]["listed"] is None for t in times] == [True, False, False, True]
