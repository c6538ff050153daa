"""How the cost of units spreads: against the units themselves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.publish.unit_marts import MOST, STEPS, spread, step

D = Decimal
SCHEMA = pa.schema(
    [
        ("workflow", pa.string()), ("unit", pa.string()), ("unit_id", pa.string()), ("status", pa.string()),
        ("first_request", pa.timestamp("us", "UTC")), ("outcome_day", pa.date32()), ("attempts", pa.int64()),
        ("requests", pa.int64()), ("spend_usd", pa.decimal128(38, 12)), ("value_usd", pa.decimal128(38, 12)),
    ]
)  # fmt: skip


def units(costs: list[Decimal | None], workflow: str = "w", good: int = 1) -> list[dict[str, Any]]:
    """Every `good`-th is good."""
    return [
        {
            "workflow": workflow, "unit": "u", "unit_id": f"{workflow}-{n:05}", "spend_usd": cost, "requests": 1, "attempts": 1,
            "status": "good" if n % good == 0 else "failed", "first_request": None, "outcome_day": None, "value_usd": None,
        }
        for n, cost in enumerate(costs)
    ]  # fmt: skip


def made(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("units", pa.Table.from_pylist(rows, SCHEMA))
        return {name: table.to_pylist() for name, table in spread(con, "from units").items()}


def test_a_hundred_units_of_one_cent_to_a_dollar():
    found = made(units([D(n) / 100 for n in range(1, 101)], good=2))
    assert found["unit_summary"] == [
        {
            "workflow": "w", "units": 100, "spend_usd": D("50.5"), "dearest_usd": D(1), "p50_usd": D("0.5"), "p95_usd": D("0.95"),
            "above_units": 5, "above_spend_usd": D("4.9"),
        }
    ]  # fmt: skip
    assert {row["step_usd"] for row in found["unit_spread"]} == {D("0.05")}
    assert sum(row["units"] for row in found["unit_spread"]) == 100
    assert sum(row["good_units"] for row in found["unit_spread"]) == 50
    assert [row["unit_id"] for row in found["dearest_units"][:3]] == ["w-00099", "w-00098", "w-00097"]


def test_what_lies_far_out_is_in_the_last_step():
    found = made(units([D("0.10")] * 50 + [D(1000)]))
    last = found["unit_spread"][-1]
    assert (last["step"], last["units"], last["last_step"]) == (STEPS - 1, 1, STEPS - 1)


def test_units_without_a_known_cost_are_left_out_and_workflows_kept_apart():
    found = made([*units([None, D(1), D(2)]), *units([D(7)], "x"), *units([None], "y")])
    assert [(row["workflow"], row["units"]) for row in found["unit_summary"]] == [("w", 2), ("x", 1)]
    assert [(row["workflow"], row["unit_id"]) for row in found["dearest_units"]] == [
        ("w", "w-00002"), ("w", "w-00001"), ("x", "x-00000"),
    ]  # fmt: skip


def test_no_unit_at_all_makes_empty_marts():
    assert made([]) == {"unit_summary": [], "unit_spread": [], "dearest_units": []}


def test_of_many_units_the_dearest_hundred_are_kept_and_ties_follow_their_ids():
    found = made(units([D(n % 7) for n in range(5000)]))
    kept = found["dearest_units"]
    assert len(kept) == MOST
    assert {row["spend_usd"] for row in kept} == {D(6)}
    assert [row["unit_id"] for row in kept] == [f"w-{n:05}" for n in range(5000) if n % 7 == 6][:MOST]


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.decimals(0, 100, places=6), min_size=1, max_size=120))
def test_the_summary_is_that_of_the_sorted_costs(costs):
    [row] = made(units(costs))["unit_summary"]
    placed = sorted(costs)
    assert row["p50_usd"] == placed[-(-len(placed) // 2) - 1]
    assert row["p95_usd"] == placed[-(-len(placed) * 95 // 100) - 1]
    assert row["above_spend_usd"] == sum((c for c in costs if c > row["p95_usd"]), D(0))


@pytest.mark.parametrize(
    ("p95", "width"),
    [("0.95", "0.05"), ("26", "1"), ("27", "2"), ("0.000000000001", "0.000000000001"), ("0", "0.000000000001")],
)
def test_a_step_is_a_round_amount(p95, width):
    assert step(D(p95)) == D(width)
