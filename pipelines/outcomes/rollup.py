"""Units inside units: a document in a run in a decision. Cost sits where a request put it, parents roll up.

`own_spend_usd` is what the unit itself bears, in every other table too; `rolled_up_spend_usd` is that and what all units
below it bear. Levels are never added together: the sum of own spend counts each dollar once, and a parent's rolled-up
figure contains its children's. A unit has one parent: the one that its last event names. Parents in a circle can't
contain one another: those links are refused, the circle's units stand at the top, and it is alerted.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.outcomes.ratios import quotient
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded

MONEY = pl.Decimal(38, 12)
Unit = tuple[str, str]  #: (workflow, unit id)
ROLLUP: dict[str, Any] = {
    "workflow": pl.String(), "unit": pl.String(), "unit_id": pl.String(), "level": pl.Int64(),
    "parent_workflow": pl.String(), "parent_unit_id": pl.String(), "top_workflow": pl.String(),
    "top_unit_id": pl.String(), "children": pl.Int64(), "descendants": pl.Int64(), "status": pl.String(),
    "outcome_day": pl.Date(), "own_spend_usd": MONEY, "rolled_up_spend_usd": MONEY,
}  # fmt: skip


def rollup_marts(con: duckdb.DuckDBPyConnection, _loaded: Loaded, _as_of: date) -> dict[str, pl.DataFrame]:
    """`rollup_cost`, grain: one row per unit that has a parent or is one, `level` 0 is the top, lifetime spend.
    `nested_cost`, grain: one row per workflow with such units: what one of its good units cost over its life, by itself
    and with all that lies below it; its units outside of any nesting count with what they bear.

    A unit inside another of its own workflow is below that one, so its spend is rolled up once; a unit of another
    workflow is in that one's row too: rows of `nested_cost` are not to be added. Refused circles and units whose events
    name several parents are written to the ledger's `nesting_problems`.
    """
    rolled = _rolled_up(con)
    con.register("rolled_up_units", rolled.to_arrow())
    nested = con.sql(sql("outcomes/nested_cost")).pl()
    con.unregister("rolled_up_units")
    ratios = {"own_cost_per_outcome_usd": "own_spend_usd", "rolled_up_cost_per_outcome_usd": "rolled_up_spend_usd"}
    nested = nested.with_columns(
        pl.Series(name, [quotient(*pair) for pair in zip(nested[over], nested["outcomes"], strict=True)], MONEY)
        for name, over in ratios.items()
    )
    return {"rollup_cost": rolled, "nested_cost": nested}


def _rolled_up(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    rows = con.sql(sql("outcomes/nested_units")).pl().to_dicts()
    parents: dict[Unit, Unit] = {
        (row["workflow"], row["unit_id"]): (row["parent_workflow"], row["parent_unit_id"])
        for row in rows
        if row["parent_unit_id"] is not None
    }
    circles = in_circles(parents)
    kept = {unit: parent for unit, parent in parents.items() if unit not in circles}
    several = [(row["workflow"], row["unit_id"]) for row in rows if row["named"] > 1]
    con.execute("delete from nesting_problems")
    problems = [(*unit, "circle") for unit in sorted(circles)] + [
        (*unit, "several parents") for unit in sorted(several)
    ]
    if problems:
        con.executemany("insert into nesting_problems values (?, ?, ?)", problems)
    units = [(row["workflow"], row["unit_id"]) for row in rows]
    places = levels(units, kept)
    children: dict[Unit, int] = defaultdict(int)
    below: dict[Unit, int] = defaultdict(int)
    spend: dict[Unit, Decimal | None] = {unit: row["spend_usd"] for unit, row in zip(units, rows, strict=True)}
    for unit in sorted(units, key=lambda unit: -places[unit][0]):
        parent = kept.get(unit)
        if parent is not None:
            children[parent] += 1
            below[parent] += 1 + below[unit]
            spend[parent] = _plus(spend[parent], spend[unit])
    return pl.DataFrame(
        [
            {
                "workflow": unit[0], "unit": row["unit"], "unit_id": unit[1], "level": places[unit][0],
                "parent_workflow": kept.get(unit, (None, None))[0], "parent_unit_id": kept.get(unit, (None, None))[1],
                "top_workflow": places[unit][1][0], "top_unit_id": places[unit][1][1], "children": children[unit],
                "descendants": below[unit], "status": row["status"], "outcome_day": row["outcome_day"],
                "own_spend_usd": row["spend_usd"], "rolled_up_spend_usd": spend[unit],
            }
            for unit, row in zip(units, rows, strict=True)
        ],
        schema=ROLLUP,
        orient="row",
    )  # fmt: skip


def in_circles(parents: dict[Unit, Unit]) -> set[Unit]:
    """Units that are their own ancestor; units that merely hang below a circle are not."""
    found: set[Unit] = set()
    done: set[Unit] = set()
    for start in parents:
        path: dict[Unit, int] = {}
        unit = start
        while unit in parents and unit not in done and unit not in path:
            path[unit] = len(path)
            unit = parents[unit]
        if unit in path:
            found |= {member for member, place in path.items() if place >= path[unit]}
        done |= path.keys()
    return found


def levels(units: list[Unit], parents: dict[Unit, Unit]) -> dict[Unit, tuple[int, Unit]]:
    """(steps below the top, the unit at the top) of each unit; `parents` has no circle."""
    found: dict[Unit, tuple[int, Unit]] = {}
    for start in units:
        path = []
        unit = start
        while unit not in found and unit in parents:
            path.append(unit)
            unit = parents[unit]
        level, top = found.setdefault(unit, (0, unit))
        for member in reversed(path):
            level += 1
            found[member] = (level, top)
    return found


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Sums skip what has no price; of nothing priced the sum is unknown."""
    return other if one is None else one if other is None else one + other
