"""The summary of a budget review: one row a workflow, the unattributed rest, the total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.exports.catalogue import EXPORTS
from pipelines.exports.figures import COUNT, PER, SHARE, USD
from pipelines.exports.tables import batches
from pipelines.outcomes.ratios import quotient
from pipelines.publish.names import human
from pipelines.storage.published import Published


@dataclass(frozen=True)
class Column:
    """One column of the summary; `money` is shown in the reporting currency."""

    key: str
    heading: str
    width: int
    form: str | None = None
    money: bool = False


COLUMNS = (
    Column("workflow", "Workflow", 25), Column("unit", "Unit", 12),
    Column("spend_usd", "Spend", 13, USD, True), Column("spend_share", "Share of spend", 10, SHARE),
    Column("outcomes", "Outcomes", 11, COUNT), Column("cost_per_outcome_usd", "Cost per outcome", 12, PER, True),
    Column("value_usd", "Value", 13, USD, True), Column("value_per_usd", "Value per dollar", 11, USD),
    Column("low", "90 % from", 10, USD), Column("high", "90 % to", 10, USD), Column("month", "Budget month", 11),
    Column("budget_usd", "Budget", 12, USD, True), Column("spend_to_date_usd", "Spent of it", 12, USD, True),
    Column("forecast_usd", "Forecast", 12, USD, True), Column("forecast_low_usd", "Forecast from", 12, USD, True),
    Column("forecast_high_usd", "Forecast to", 12, USD, True), Column("status", "Budget status", 13),
    Column("note", "Note", 24),
)  # fmt: skip
UNATTRIBUTED, TOTAL = "Unattributed", "Total"


def summary_rows(published: Published, first: date | None = None, last: date | None = None) -> list[dict[str, Any]]:
    """Grain: one row per workflow with spend or outcomes in the period, most spend first, then the unattributed rest.

    The budget is that of the last month which the period touches and that has one. The rest has no unit.
    """
    meta = published.meta
    if meta["first_day"] is None:
        return []
    start, end = first or date.fromisoformat(meta["first_day"]), last or date.fromisoformat(meta["as_of"])
    ranked = _dicts(published, "value_ranking", start, end)
    budgets: dict[str, dict[str, Any]] = {}
    for row in _dicts(published, "budgets"):
        if row["scope"] == "workflow" and str(start)[:7] <= row["month"] <= str(end)[:7]:
            budgets[row["workflow"]] = row  # months ascend: the last one stays
    rows = []
    for row in sorted(ranked, key=lambda r: (-(r["spend_usd"] or 0), r["workflow"])):
        budget = budgets.get(row["workflow"], {})
        rows.append(
            {name: budget.get(name) for name in ("month", "budget_usd", "spend_to_date_usd", "forecast_usd",
                                                 "forecast_low_usd", "forecast_high_usd", "status")}
            | {name: row[name] for name in ("unit", "spend_usd", "spend_share", "outcomes", "value_usd",
                                            "value_per_usd", "low", "high", "note")}
            | {"workflow": human(row["workflow"]), "cost_per_outcome_usd": quotient(row["spend_usd"], row["outcomes"])}
        )  # fmt: skip
    return rows


def summary_total(rows: list[dict[str, Any]], spend: Decimal, unattributed: Decimal) -> dict[str, Any]:
    """Adds the unattributed rest to `rows`; answers the total of them all, which is the spend of the period."""
    rows.append(
        {
            "workflow": UNATTRIBUTED,
            "unit": None,
            "spend_usd": unattributed,
            "spend_share": quotient(unattributed, spend),
        }
    )
    return {
        "workflow": TOTAL, "spend_usd": spend, "spend_share": quotient(spend, spend), "value_usd": _sum(rows, "value_usd"),
        "budget_usd": _sum(rows, "budget_usd"), "spend_to_date_usd": _sum(rows, "spend_to_date_usd"),
    }  # fmt: skip


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> Decimal | None:
    """None where nothing is known. Forecasts don't add up: their intervals don't."""
    known = [row[name] for row in rows if row.get(name) is not None]
    return sum(known, Decimal(0)) if known else None


def _dicts(
    published: Published, name: str, first: date | None = None, last: date | None = None
) -> list[dict[str, Any]]:
    columns = EXPORTS[name].columns
    return [
        dict(zip(columns, row, strict=True))
        for batch in batches(published, name, first, last)
        for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)
    ]
