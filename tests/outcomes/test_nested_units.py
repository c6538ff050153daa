"""Units inside units: cost sits on the leaf, parents roll up, levels never add."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.outcomes.rollup import in_circles, levels
from tests.workspaces import Bench, call, event

D = Decimal
WORKFLOWS = {
    "review": {"unit": "document"},
    "run": {"unit": "workflow"},
    "claims": {"unit": "decision"},
}


@pytest.fixture
def nest(tmp_path) -> Bench:
    return Bench(tmp_path / "ws", {"workflows": WORKFLOWS})


def inside(event_id: str, unit: str, parent: str | None, workflow: str = "review", above: str = "run", **fields: Any):
    named = {"parent_workflow": above, "parent_unit_id": parent} if parent else {}
    return event(event_id, unit_id=unit, workflow=workflow, **named, **fields)


def rollup(bench: Bench, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(r[c] for c in columns) for r in bench.export("rollup_cost")]


def test_documents_in_a_run_in_a_decision_roll_up_and_are_counted_once(nest: Bench):
    nest.calls(
        call("a"), call("b", unit_id="d2"), call("c", unit_id="alone"),
        call("o", workflow="run", unit_id="r1"), call("p", workflow="claims", unit_id="c1"),
    )  # fmt: skip
    nest.outcomes(
        inside("e1", "d1", "r1"), inside("e2", "d2", "r1"), inside("e3", "alone", None),
        inside("e4", "r1", "c1", "run", "claims"), inside("e5", "c1", None, "claims"),
    )  # fmt: skip
    nest.run()
    assert rollup(
        nest, "workflow", "unit_id", "level", "parent_unit_id", "top_unit_id", "children", "descendants",
        "own_spend_usd", "rolled_up_spend_usd",
    ) == [
        ("claims", "c1", "0", "", "c1", "1", "3", "0.004000000000", "0.016000000000"),
        ("run", "r1", "1", "c1", "c1", "2", "2", "0.004000000000", "0.012000000000"),
        ("review", "d1", "2", "r1", "c1", "0", "0", "0.004000000000", "0.004000000000"),
        ("review", "d2", "2", "r1", "c1", "0", "0", "0.004000000000", "0.004000000000"),
    ]  # fmt: skip
    assert [tuple(r.values()) for r in nest.export("nested_cost")] == [
        ("claims", "decision", "1", "1", "0.004000000000", "0.016000000000", "0.004000000000", "0.016000000000"),
        ("review", "document", "3", "3", "0.012000000000", "0.012000000000", "0.004000000000", "0.004000000000"),
        ("run", "workflow", "1", "1", "0.004000000000", "0.012000000000", "0.004000000000", "0.012000000000"),
    ]
    # every other table has each dollar once, on the unit that bears it
    assert sum(D(r["spend_usd"]) for r in nest.export("daily_cost")) == D("0.02")
    assert sum(D(r["spend_usd"]) for r in nest.export("outcome_cost")) == D("0.02")
    assert nest.run(full=True)["alerts"] == []


def test_parents_in_a_circle_are_refused_and_alerted(nest: Bench):
    nest.calls(call("a"), call("b", workflow="run", unit_id="r1"), call("x", unit_id="below"))
    nest.outcomes(
        inside("e1", "d1", "r1"), inside("e2", "r1", "d1", "run", "review"),
        inside("e3", "below", "d1", above="review"), inside("e4", "self", "self", above="review"),
    )  # fmt: skip
    alerts = nest.run()["alerts"]
    assert rollup(nest, "unit_id", "level", "parent_unit_id", "rolled_up_spend_usd") == [
        ("d1", "0", "", "0.008000000000"), ("below", "1", "d1", "0.004000000000"),
        ("self", "0", "", "0.000000000000"), ("r1", "0", "", "0.004000000000"),
    ]  # fmt: skip
    assert [(a["kind"], a["subject"], a["severity"]) for a in alerts] == [
        ("reconciliation", "review", "medium"), ("reconciliation", "run", "medium"),
    ]  # fmt: skip
    assert "2 units of review (such as 'd1') are their own ancestors" in alerts[0]["detail"]
    # the link that closed the circle is corrected: the alert is gone, and the parents roll up
    nest.outcomes(
        inside("e2", "r1", None, "run", time="2026-10-20T13:00:00Z"),
        inside("e4", "self", None, time="2026-10-20T13:00:00Z"), file="b.jsonl",
    )  # fmt: skip
    assert nest.run()["alerts"] == []
    assert rollup(nest, "unit_id", "level", "rolled_up_spend_usd") == [
        ("r1", "0", "0.012000000000"), ("d1", "1", "0.008000000000"), ("below", "2", "0.004000000000"),
    ]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_parents_the_last_named_one_counts_in_any_order(nest: Bench, turned: bool):
    events = [
        inside("e1", "d1", "r1"),
        inside("e2", "d1", "r2", time="2026-10-20T12:00:00Z", what="accepted"),
        inside("e3", "d1", None, time="2026-10-20T14:00:00Z", what="accepted"),  # names none: says nothing about it
    ]
    nest.calls(call("a"))
    for number, one in enumerate(reversed(events) if turned else events):
        nest.outcomes(one, file=f"{number}.jsonl")
        alerts = nest.run()["alerts"]
    assert rollup(nest, "workflow", "unit_id", "parent_unit_id") == [("run", "r2", ""), ("review", "d1", "r2")]
    assert ["name more than one parent" in a["detail"] for a in alerts] == [True]


def test_a_parent_in_a_workflow_that_nobody_declared_is_no_parent(nest: Bench):
    nest.calls(call("a"))
    nest.outcomes(inside("e1", "d1", "x", above="ghost"))
    nest.run()
    assert nest.export("rollup_cost") == nest.export("nested_cost") == []


def test_a_unit_inside_one_of_its_own_workflow_is_rolled_up_once(nest: Bench):
    nest.calls(call("a"), call("b", unit_id="part", model="in-house-7"), call("c", unit_id="part2"))
    nest.outcomes(
        event("e1", unit_id="part", parent_unit_id="d1"), event("e2", unit_id="part2", parent_unit_id="d1"), event("e3")
    )
    nest.run()
    assert rollup(nest, "unit_id", "own_spend_usd", "rolled_up_spend_usd") == [
        ("d1", "0.004000000000", "0.008000000000"), ("part", "", ""), ("part2", "0.004000000000", "0.004000000000"),
    ]  # fmt: skip
    [row] = nest.export("nested_cost")
    assert (row["own_spend_usd"], row["rolled_up_spend_usd"], row["outcomes"]) == (
        "0.008000000000",
        "0.008000000000",
        "3",
    )


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.integers(0, 9), st.integers(0, 9)))
def test_circles_are_found_and_what_is_left_is_a_forest(links):
    parents = {("w", str(child)): ("w", str(parent)) for child, parent in links.items()}
    circles = in_circles(parents)
    for unit in parents:
        seen, above = set(), parents[unit]
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        assert (unit in circles) == (unit in seen or above == unit)
    kept = {unit: parent for unit, parent in parents.items() if unit not in circles}
    units = sorted({*parents, *parents.values()})
    for unit, (level, top) in levels(units, kept).items():
        steps = 0
        while unit in kept:
            unit, steps = kept[unit], steps + 1
        assert (steps, unit) == (level, top)
