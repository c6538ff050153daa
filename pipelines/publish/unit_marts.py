"""What screens show of millions of units: how their cost spreads, and the dearest of them.

Made when a set is published, so that no page reads a row per unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.storage.ledger import beside, hold
from pipelines.storage.models import filled, sql

MOST = 100  #: dearest units kept of each workflow
STEPS = 40  #: steps of cost; the 95 % point lies a little above the middle, what lies beyond the last step is in it
_TO_P95 = 26
_ROUND = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


def unit_marts(ledger: Any, files: str) -> dict[str, pa.Table]:
    """`unit_summary`, `unit_spread` and `dearest_units` of the mart `outcome_cost`.

    From the ledger's own rows where its engine is DuckDB, else from what was published of them: the query `files`.
    """
    if isinstance(ledger, duckdb.DuckDBPyConnection):
        return spread(ledger, sql("publish/outcome_cost"))
    with beside(ledger), duckdb.connect(":memory:") as con:
        hold(con, 0.5)
        con.execute("set timezone = 'UTC'")
        return spread(con, files)


def spread(con: duckdb.DuckDBPyConnection, units: str) -> dict[str, pa.Table]:
    """The three marts, from a query for `outcome_cost`; leaves nothing on the connection."""
    con.execute(f"create or replace temp view outcome_cost as {units}")
    summary = con.sql(sql("publish/unit_summary")).to_arrow_table()
    con.execute(
        "create or replace temp table steps "
        "(workflow varchar, step_usd decimal(38, 12), last_step bigint, from_usd decimal(38, 12))"
    )
    if found := list(_steps(summary.to_pylist())):
        con.executemany("insert into steps values (?, ?, ?, ?)", found)
    marts = {
        "unit_summary": summary,
        "unit_spread": con.sql(sql("publish/unit_spread")).to_arrow_table(),
        "dearest_units": con.sql(filled("publish/dearest_units", most=str(MOST))).to_arrow_table(),
    }
    con.execute("drop table steps")
    con.execute("drop view outcome_cost")
    return marts


def _steps(summary: list[dict]) -> Iterable[tuple[str, Decimal, int, Decimal]]:
    """(workflow, width of a step, last step, the cost from which on the dearest are looked for)."""
    for row in summary:
        width = step(row["p95_usd"] if row["p95_usd"] > 0 else row["dearest_usd"])
        last = min(STEPS - 1, int(row["dearest_usd"] / width))
        yield row["workflow"], width, last, row["p95_usd"] if row["above_units"] >= MOST else Decimal(-1)


def step(p95: Decimal) -> Decimal:
    """A round width of which about 26 reach the 95 % point: 1, 2, 2.5 or 5 of some decimal place."""
    wanted = p95 / _TO_P95
    if wanted <= Decimal("1e-12"):
        return Decimal("1e-12")
    place = Decimal(1).scaleb(wanted.adjusted())
    width = next(place * times for times in _ROUND if place * times >= wanted)
    return max(width, Decimal("1e-12"))
