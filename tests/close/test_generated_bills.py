"""Bills made from generated ledgers, as FOCUS files and OpenRouter's activity: every planted difference has its name.

What is planted is known to the last unit, per provider and day: nothing else may be found, and items sum to
billed − metered.
"""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.close import generated, written
from tests.close.bench import close_bench, items
from tests.close.generated import BY_FOCUS, Month, Statement, statement
from tests.public_data import folder
from tests.workspaces import Bench, call

FULL = bool(os.environ.get("OUTLAY_FULL"))
SEEDS = range(12) if FULL else range(1)
Items = dict[str, Decimal]


def found(month: Month, provider: str) -> tuple[Items, dict[date, Items]]:
    """Items of October, and of each of its days; the identity is checked on the way."""
    sums: Items = {}
    days: dict[date, Items] = defaultdict(dict)
    for mart in ("reconciliation", "reconciliation_daily"):
        held: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in month.bench.export(mart):
            if row["provider"] == provider and row["period"].startswith("2026-10"):
                held[row["period"]].append(row)
        for period, rows in held.items():
            billed, metered = Decimal(rows[0]["billed_usd"]), Decimal(rows[0]["metered_usd"])
            items = {r["item"]: Decimal(r["amount_usd"]) for r in rows if r["item"]}
            assert billed == metered + sum(items.values())
            if mart == "reconciliation":
                sums = items
            elif items:
                days[date.fromisoformat(period)] = items
    return sums, dict(days)


def agrees(month: Month, made: Statement, *providers: str) -> None:
    for provider in providers:
        sums, days = found(month, provider)
        assert sums == made.expected(provider), provider
        expected = {day: made.expected_of(provider, day) for day in _october()}
        assert days == {day: items for day, items in expected.items() if items}, provider


def _october() -> list[date]:
    return [date(2026, 10, n) for n in range(1, 32)]


@pytest.fixture(scope="module", params=SEEDS)
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Month:
    return Month(tmp_path_factory.mktemp("generated") / "ws", request.param, 31 if FULL else 12)


def test_a_bill_that_agrees_leaves_the_day_cut_and_what_has_no_price_alone(month: Month):
    made = statement(month)
    generated.unpriced(made, "openai", month.roll)
    generated.unpriced(made, "openrouter", month.roll)
    generated.doubled(made, month.twice)
    generated.doubled(made, month.routed_twice)
    written.write_focus(month, made, version="1.4")
    written.write_activity(month, made)
    month.bench.run()
    agrees(month, made, *BY_FOCUS, "openrouter")
    assert {"day cut", "unpriced"} <= made.expected("openai").keys()


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_differences_of_every_kind_are_each_named_to_the_last_unit(month: Month, version: str):
    wrong, made = statement(month), statement(month)
    generated.plant(made, month)
    generated.plant_activity(made, month)
    generated.more(wrong, wrong.places("openai")[0], 10**9)
    written.write_focus(month, wrong, version, f"2026-10-{version}-a.csv")  # restated by the delivery after it
    written.write_focus(month, made, version, f"2026-10-{version}-b.csv")
    written.write_activity(month, made, f"pull-{version}.json")
    month.bench.run()
    agrees(month, made, *BY_FOCUS, "openrouter")
    assert set(made.expected("anthropic")) >= {
        "not metered", "not billed", "tools", "rate difference", "day cut", "credits and discounts", "tax", "correction",
        "recorded twice", "rounding", "unexplained",
    }  # fmt: skip
    assert set(made.expected("openrouter")) == {
        "not metered", "not billed", "rate difference", "day cut", "unpriced", "recorded twice", "rounding",
    }  # fmt: skip


def test_a_bill_in_whole_cents_differs_by_rounding_alone(month: Month, tmp_path: Path):
    made = statement(month)
    generated.unpriced(made, "openai", month.roll)
    generated.unpriced(made, "openrouter", month.roll)
    generated.doubled(made, month.twice)
    generated.doubled(made, month.routed_twice)
    exact = {place: made.usd[place] for place in made.usd}
    for place, usd in exact.items():
        made.usd[place] = usd.quantize(Decimal("0.0001"))
    written.write_focus(month, made, file="2026-10-z.csv", amount=str)
    month.bench.run()
    for provider in BY_FOCUS:
        sums, _ = found(month, provider)
        of_bill = sum(
            usd - exact[p]
            for p, usd in made.usd.items()
            if p.provider == provider and generated.FIRST <= p.day <= generated.LAST and exact[p]
        )
        rest = sums.get("rounding", Decimal(0)) - of_bill
        # the rounding of what has no price, or was recorded twice, stays in its own item
        assert abs(rest) <= Decimal("0.0001") * 200
        assert sums.keys() <= {"day cut", "rounding", "unpriced", "recorded twice"}, sums


def test_the_composed_example_of_focus_1_2_is_explained_by_its_calls(tmp_path: Path):
    bench = close_bench(tmp_path, FOCUS)
    each = {"provider": "anthropic", "model": "claude-sonnet-5", "time": "2026-11-20T10:00:00Z"}
    tokens = {
        "input_tokens": 100_020, "cache_read_tokens": 10_000, "cache_write_tokens": 5020,
        "cache_write_long_tokens": 70_000, "output_tokens": 3860,
    }  # fmt: skip
    bench.calls(*(call(f"{n}", **each, **tokens) for n in range(100)))
    copied(bench, FORMATS / "08-focus-composed-1.2.csv")
    bench.run()
    assert items(bench, "2026-11", "anthropic") == {"tools": "0.1", "correction": "-0.3"}
    assert items(bench, "2026-11-20", "anthropic", "reconciliation_daily") == {"tools": "0.1"}
    assert bench.export("unseen_spend") == []


def test_rows_of_a_real_1_0_export_meet_no_call_and_are_kept_whole(tmp_path: Path):
    bench = close_bench(tmp_path, FOCUS)
    bench.calls(call("1", time="2024-09-10T10:00:00Z", provider="azure", model="gpt-4o"))
    copied(bench, folder("focus_1_0_sample") / "focus_sample.csv")
    done = bench.run()
    assert (done["records"]["stored"], done["records"]["quarantined"]) == (
        10,
        0,
    )  # a call and 9 of 1,000 rows are of AI
    rows = [r for r in bench.export("reconciliation") if r["provider"] == "azure"]
    assert Decimal(rows[0]["billed_usd"]) == Decimal("-0.15189756178")
    assert sum(Decimal(r["amount_usd"]) for r in rows) == Decimal("-0.15189756178") - Decimal(rows[0]["metered_usd"])
    assert {r["item"] for r in rows} == {"not metered", "not billed", "unexplained"}


def test_what_the_providers_of_own_keys_bill_is_not_billed_by_openrouter(tmp_path: Path):
    bench = close_bench(tmp_path, {"name": "activity", "kind": "openrouter-activity", "path": "bills/activity/*.json"})
    gpt, claude = ({"provider": "openrouter", "time": "2026-11-20T10:00:00Z", "model": m} for m in ROUTED)
    bench.calls(
        *(call(f"g{n}", **gpt, input_tokens=2600, cache_read_tokens=2000, output_tokens=180) for n in range(10)),
        *(call(f"c{n}", **claude, input_tokens=8520, cache_read_tokens=1000, output_tokens=386) for n in range(10)),
    )  # fmt: skip
    path = bench.root / "bills/activity/a.json"
    path.parent.mkdir(parents=True)
    path.write_text((FORMATS / "07-openrouter-activity.json").read_text())
    bench.run()
    metered = {r["model"]: Decimal(0) for r in bench.export("requests")}
    for row in bench.export("requests"):
        metered[row["model"]] += Decimal(row["cost_usd"])
    assert metered[ROUTED[0]] == Decimal("0.0141")
    own = min(metered[ROUTED[1]], Decimal("0.33351"))
    rest = own - metered[ROUTED[1]]
    expected = {"not billed": f"{-own.normalize():f}"} | ({"rate difference": f"{rest.normalize():f}"} if rest else {})
    assert items(bench, "2026-11", "openrouter") == expected
    assert "of what is not billed the providers of your own keys bill" in bench.export("reconciliation")[0]["note"]


FOCUS = {"name": "focus", "kind": "focus", "path": "bills/focus/*.csv"}
FORMATS = Path(__file__).parents[3] / "shared" / "formats"
ROUTED = ("openai/gpt-5.4-mini", "anthropic/claude-sonnet-5")


def copied(bench: Bench, file: Path) -> None:
    path = bench.root / "bills/focus/a.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(file.read_bytes())
