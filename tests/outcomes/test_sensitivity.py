"""What becomes of the ranking when every declared value may be wrong by half."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from pipelines.outcomes import sensitivity
from pipelines.outcomes.ranking import rankable, value_ranking
from pipelines.outcomes.sensitivity import SCENARIOS, SCHEMA, value_sensitivity
from tests.outcomes.test_ranking import spread_out, world
from tests.workspaces import Bench, call, event

D = Decimal


def shares(**workflows: list[tuple[str, str]]) -> dict[str, dict]:
    known, totals, spend = world(**workflows)
    found = value_sensitivity(value_ranking(known, totals, spend), rankable(known, totals))
    assert found.schema == pl.Schema(SCHEMA)
    assert found.is_empty() or all(found[f"share_of_scenarios_{end}"].sum() == 1 for end in ("first", "last"))
    return {row["workflow"]: row for row in found.to_dicts()}


def test_a_last_place_that_no_error_of_half_can_change_holds_in_every_scenario():
    found = shares(a=spread_out("1", "9", 40), b=spread_out("1", "8", 40), least=spread_out("1", "2", 40))
    assert (found["least"]["rank"], found["least"]["share_of_scenarios_last"], found["least"]["share_same_rank"]) == (
        3,
        1,
        1,
    )
    assert (found["a"]["share_of_scenarios_last"], found["b"]["share_of_scenarios_last"]) == (0, 0)
    assert D("0.4") < found["a"]["share_same_rank"] < D("0.75")  # a and b are a matter of their values


def test_of_two_alike_either_is_last_in_half_of_the_scenarios():
    found = shares(a=spread_out("1", "2", 40), b=spread_out("1", "2.0001", 40))
    assert abs(found["a"]["share_of_scenarios_last"] - D("0.5")) < D("0.04")


def test_two_workflows_change_places_as_often_as_two_even_factors_say():
    """P(1.4·x < y) for x, y even on (0.5, 1.5): the area above the line is (1.5/1.4 − 0.5)² · 1.4 / 2 = 0.2286."""
    found = shares(low=spread_out("1", "2", 400), high=spread_out("1", "2.8", 400))
    assert abs(found["high"]["share_of_scenarios_last"] - D("0.2286")) < D("0.03")


def test_the_same_data_gives_the_same_shares_and_a_share_counts_scenarios():
    drawn = {"a": spread_out("1", "2", 12), "b": spread_out("1", "2.4", 12), "c": spread_out("1", "1.9", 9)}
    first, again = shares(**drawn), shares(**dict(reversed(drawn.items())))
    assert first == again
    assert all((row["share_same_rank"] * SCENARIOS) % 1 == 0 for row in first.values())


@pytest.mark.parametrize("seed", range(6))
def test_the_scenario_in_which_nothing_is_wrong_is_the_ranking_itself(seed):
    dice = np.random.default_rng(seed)
    drawn = {
        f"w{n}": [
            (f"{c:.6f}", f"{v:.6f}")
            for c, v in zip(dice.lognormal(0, 0.8, k), dice.lognormal(0.5, 0.5, k), strict=True)
        ]
        for n, k in enumerate(dice.integers(5, 40, 7))
    }
    known, totals, spend = world(**drawn)
    ranking = value_ranking(known, totals, spend)
    spreads = rankable(known, totals)
    names = sorted(spreads)
    places = sensitivity._places([spreads[name] for name in names], np.zeros((2, len(names))))
    assert dict(zip(names, places[0].tolist(), strict=True)) == dict(ranking.select("workflow", "rank").rows())


def test_nothing_ranked_nothing_said_and_one_is_always_last():
    assert shares(few=[("1", "2")] * 4, lost=[("1", "0")] * 9) == {}
    [alone] = shares(alone=[("4", "2")] * 5).values()
    assert (alone["share_of_scenarios_last"], alone["share_of_scenarios_first"], alone["share_same_rank"]) == (1, 1, 1)
    assert (alone["value_per_outcome_usd"], alone["break_even_value_usd"], alone["break_even_factor"]) == (2, 4, 2)


def test_every_value_stands_with_its_basis_owner_and_dates(bench: Bench):
    bench.config["workflows"]["review"]["value"] = [
        {"per_outcome_usd": "2.00", "basis": "minutes saved", "owner": "legal"},
        {"minutes_saved": 12, "hourly_rate_usd": 65, "basis": "time study", "owner": "legal", "from": "2026-10-20"},
    ]
    bench.config["workflows"]["claims"]["value"] = {"field": "value_usd", "owner": "claims"}
    bench.config["workflows"]["mute"] = {"unit": "run"}
    bench.save()
    bench.calls(call("r1"), call("r2", unit_id="d2"))
    bench.outcomes(event("e1"), event("e2", unit_id="d2", time="2026-10-19T10:00:00Z"))
    bench.run()
    assert [tuple(r.values()) for r in bench.export("value_basis")] == [
        ("claims", "", "", "per event", "", "", "", "", "claims"),
        ("review", "", "2026-10-20", "per outcome", "2.000000000000", "", "", "minutes saved", "legal"),
        ("review", "2026-10-20", "", "minutes × rate", "13.000000000000", "12.000000000000", "65.000000000000",
         "time study", "legal"),
    ]  # fmt: skip
    assert [(r["unit_id"], r["value_usd"]) for r in bench.export("outcome_cost")] == [
        ("d1", "13.000000000000"), ("d2", "2.000000000000"),
    ]  # fmt: skip
    notes = {r["workflow"]: r["note"] for r in bench.export("value_ranking")}
    assert notes["mute"] == "no outcomes reported; no value declared; no spend"
    assert bench.export("value_sensitivity") == []
