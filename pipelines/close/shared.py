"""The mart `shared_costs`: costs that serve several workflows, spread by a declared driver, beside the direct view.

Grain: one row per (month, shared cost, workflow); for every (month, name) Σ shared_usd = its monthly_usd. The workflow is
empty where no workflow has any of the driver in the month: then nobody bears it. `direct_usd` is what the workflow's
units bear of requests, `full_usd` that and its parts of all shared costs of the month; both are repeated per name.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.close.spread import spread
from pipelines.storage.models import sql
from pipelines.workspace.closing import SharedCost
from pipelines.workspace.load import Loaded

MONEY = pl.Decimal(38, 12)
SCHEMA: dict[str, Any] = {
    "month": pl.String(), "name": pl.String(), "workflow": pl.String(), "driver": pl.String(), "direct_usd": MONEY,
    "shared_usd": MONEY, "full_usd": MONEY,
}  # fmt: skip


def shared_costs(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> pl.DataFrame:
    """Months from the first with a workflow's work to as-of's."""
    by_month: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in con.sql(sql("close/workflow_months")).pl().to_dicts():
        if row["workflow"] in loaded.config.workflows:
            by_month[row["month"]].append(row)
    rows = []
    for month, workflows in sorted(by_month.items()):
        parts = [
            (cost, name, part)
            for cost in loaded.config.close.shared
            if month <= f"{as_of:%Y-%m}" and _in_force(cost, month)
            for name, part in _parts(cost, workflows)
        ]
        direct = {row["workflow"]: int(row["spend_usd"].scaleb(12)) for row in workflows}
        full: dict[str | None, int] = defaultdict(int, direct)
        for _, name, part in parts:
            full[name] += part
        rows += [
            (month, cost.name, name, cost.driver, _usd(direct.get(name or "", 0)), _usd(part), _usd(full[name]))
            for cost, name, part in parts
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _in_force(cost: SharedCost, month: str) -> bool:
    return (cost.from_ is None or f"{cost.from_:%Y-%m}" <= month) and (cost.to is None or month <= f"{cost.to:%Y-%m}")


def _parts(cost: SharedCost, workflows: list[dict[str, Any]]) -> list[tuple[str | None, int]]:
    amount = int(cost.monthly_usd.scaleb(12))
    column = {"spend": "spend_usd"}.get(cost.driver, cost.driver)
    weights = [1 if cost.driver == "equal" else max(0, _units(row[column])) for row in workflows]
    if not any(weights):
        return [(None, amount)]
    return list(zip((row["workflow"] for row in workflows), spread(amount, weights), strict=True))


def _units(value: Any) -> int:
    return int(value.scaleb(12)) if isinstance(value, Decimal) else int(value or 0)


def _usd(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-12)
