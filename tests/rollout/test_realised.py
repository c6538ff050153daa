"""Promised against realised: price cuts show as nothing, true savings are covered, rework counts."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from pipelines.rollout.comparison import compare
from pipelines.rollout.guards import _quality
from pipelines.rollout.realised import realised
from pipelines.rollout.telling import route_status
from tests.rollout.world import World, moment, route
from tests.rollout.worlds import FIRST, Side, drawn, trial, true_saving
from tests.workspaces import call, event

SEEDS = 2000 if os.environ.get("OUTLAY_FULL") else 250
OLD = Side(quality=0.92, usd=0.02)


def covered(new: Side, percent: int, per_day: int, strata: tuple[str, ...] = ("",)) -> tuple[float, float]:
    """(share of simulations whose interval holds the truth, share whose interval holds 0)."""
    hits = zeros = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        cells = drawn(rng, OLD, new, percent, per_day, 21, strata)
        found = realised(trial(percent), cells, FIRST + timedelta(days=20))
        assert found.usd is not None
        truth = true_saving(cells, OLD, new, strata)
        hits += abs(float(found.usd) - truth) <= float(found.reach)
        zeros += abs(found.usd) <= found.reach
    return hits / SEEDS, zeros / SEEDS


@pytest.mark.parametrize(("percent", "per_day"), [(20, 30), (50, 15), (100, 30), (100, 8)])
def test_a_true_saving_of_40_percent_lies_in_the_interval(percent: int, per_day: int) -> None:
    new = Side(quality=0.92, usd=(0.03 * 0.6) - 0.01)
    hits, zeros = covered(new, percent, per_day)
    assert hits >= 0.88 - (0 if SEEDS > 1000 else 0.02)
    assert zeros < 0.02


def test_where_nothing_is_saved_the_interval_holds_0() -> None:
    hits, zeros = covered(OLD, 50, 30)
    assert hits == zeros >= 0.88 - (0 if SEEDS > 1000 else 0.02)


def test_strata_of_another_mix_change_nothing() -> None:
    hits, _ = covered(Side(quality=0.92, usd=0.008), 30, 60, ("easy", "hard"))
    assert hits >= 0.88 - (0 if SEEDS > 1000 else 0.02)


def test_rework_counts_against_a_cheap_tier_that_errs() -> None:
    """Half the price of a call and 30 % more faults: 0.02 ÷ 0.92 against 0.015 ÷ 0.62 with the unit's other calls."""
    new = Side(quality=0.62, usd=0.01)
    cells = drawn(np.random.default_rng(3), OLD, new, 50, 200, 21)
    found = realised(trial(50), cells, FIRST + timedelta(days=20))
    assert found.usd is not None
    assert float(found.usd) < 0.15 * float(found.outcomes) * 0.01
    assert abs(float(found.usd) - true_saving(cells, OLD, new)) <= float(found.reach) * 1.5


def test_below_twenty_units_of_a_tier_nothing_is_said() -> None:
    cells = drawn(np.random.default_rng(3), OLD, OLD, 5, 8, 10)
    found = realised(trial(5), cells, FIRST + timedelta(days=9))
    assert (found.usd, found.finding) == (None, "too few outcomes yet")


def test_daily_looks_at_an_equal_canary_seldom_fail_it_and_find_a_worse_one() -> None:
    """In 30 days: a tier just at the margin fails its quality guard in ≤ 5 %, one 20 points worse in more than 90 %."""
    failed = {"equal": 0, "worse": 0}
    runs = SEEDS // 2
    for seed in range(runs):
        for name, quality in (("equal", 0.92 - 0.046), ("worse", 0.72)):
            cells = drawn(np.random.default_rng(seed), OLD, Side(quality, 0.005), 50, 20, 30)
            looks = (compare(trial(50), cells, FIRST + timedelta(days=d)) for d in range(4, 30, 2))
            failed[name] += any(_quality(found, 0.95).answer == "fails" for found in looks)
    assert failed["equal"] <= 0.05 * runs + 2
    assert failed["worse"] >= 0.9 * runs


def test_a_price_cut_alone_is_no_saving(tmp_path: Path) -> None:
    """On the day of the switch the old model's price is halved to just what the new one costs: before and after differ by
    half, the switch saves nothing.
    """
    world = World(tmp_path / "ws", per_day=60)
    cut = {"valid_to": "2026-09-15"}, {"valid_from": "2026-09-15"}
    rates = [
        {"provider": "openai", "model": model, "class": name, "usd_per_million": str(usd * factor), "source": "test", **days}
        for model, periods in (("gpt-5.4", ((2, cut[0]), (1, cut[1]))), ("gpt-5-mini", ((1, {}),)))
        for factor, days in periods
        for name, usd in (("input", 2), ("output", 8))
    ]  # fmt: skip
    with open(world.bench.root / "rates.yaml", "w") as file:
        YAML(typ="safe", pure=True).dump({"rates": rates}, file)
    world.bench.config["rates"] = {"contract": "rates.yaml"}
    world.bench.save()
    world.policy(route("frontier"))
    world.live(14)
    world.policy(route("light"))
    world.live(10)
    world.run()
    days = {r["day"]: Decimal(r["spend_usd"]) for r in world.bench.export("daily_cost")}
    assert days["2026-09-20"] < Decimal("0.7") * days["2026-09-10"]
    [row] = world.bench.export("decisions")
    assert Decimal(row["low"]) <= 0 <= Decimal(row["high"])
    assert row["finding"] == "not distinguishable from 0"
    assert Decimal(row["high"]) < 30 * Decimal("0.1") * days["2026-09-10"]


def test_a_real_saving_is_published_and_shown_with_its_interval_beside_the_promise(tmp_path: Path) -> None:
    world = World(tmp_path / "ws", per_day=120)
    world.policy(route("frontier"))
    world.live(8)
    evidence = "    evidence: {recommendation_id: rec-1, reference_model: openai/gpt-5.4, saving_usd_month: '9.50'}\n"
    world.policy(route("light") + evidence)
    world.live(8)
    world.run()
    [row] = world.bench.export("decisions")
    low, mid, high = (Decimal(row[k]) for k in ("low", "realised_usd_month", "high"))
    assert (row["recommendation_id"], row["status"], row["finding"]) == ("rec-1", "promoted", "saved")
    assert 0 < low < mid < high
    assert row["promised_usd_month"] == "9.500000000000"
    spend = {r["day"]: Decimal(r["spend_usd"]) for r in world.bench.export("daily_cost")}
    before = sum((v for k, v in spend.items() if k < "2026-09-09"), Decimal(0)) / 8
    after = sum((v for k, v in spend.items() if k >= "2026-09-09"), Decimal(0)) / 8
    assert abs(mid / 30 - (before - after)) < Decimal("0.1") * (before - after)
    told = route_status(world.loaded, now=world.now())
    assert told.document["rollout"][0]["decision"]["realised_usd_month"] == row["realised_usd_month"]
    assert "promised $9.50 a month" in told.text
    assert f"realised ${mid:,.2f} (${low:,.2f} to ${high:,.2f})" in told.text


def test_a_call_that_several_units_share_is_told_at_todays_price_too(tmp_path: Path) -> None:
    """One call serves two units, 3 : 1. Its model's price is halved later: what either bore counts at half."""
    world = World(tmp_path / "ws", per_day=0)
    rates = [
        {"provider": "openai", "model": "gpt-5.4", "class": name, "usd_per_million": usd, "source": "test", **days}
        for days, prices in (({"valid_to": "2026-09-05"}, ("2", "8")), ({"valid_from": "2026-09-05"}, ("1", "4")))
        for name, usd in zip(("input", "output"), prices, strict=True)
    ]
    with open(world.bench.root / "rates.yaml", "w") as file:
        YAML(typ="safe", pure=True).dump({"rates": rates}, file)
    world.bench.config["rates"] = {"contract": "rates.yaml"}
    world.bench.save()
    world.policy(route("frontier"))
    world.policy(route("light"), at=moment(FIRST + timedelta(days=6)))
    shared = [{"unit_id": "a", "weight": 3}, {"unit_id": "b", "weight": 1}]
    at = moment(FIRST, 9)
    world.bench.calls(
        call("s", time=at.isoformat(), unit_id=None, units=shared, input_tokens=1_000_000, output_tokens=0),
        call("late", time=moment(FIRST + timedelta(days=7), 9).isoformat(), unit_id="c", model="gpt-5-mini"),
        file="shared.jsonl",
    )
    world.bench.outcomes(*(event(f"e{u}", unit_id=u, time=(at + timedelta(hours=1)).isoformat()) for u in "ab"))
    world.run()
    assert sum(Decimal(r["spend_usd"]) for r in world.bench.export("outcome_cost") if r["unit_id"] in "ab") == 2
    with world.bench.published.connect() as con:
        [(units, usd, squares)] = con.execute(
            "select units, task_usd, task_squares from rollout_units where tier = 'frontier'"
        ).fetchall()
    assert (units, usd, squares) == (2, 1, 750_000**2 + 250_000**2)
