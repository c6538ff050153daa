"""Alerts of the kinds shock, drift and budget, from the marts that say what changed.

Only what waits for somebody: open alarms, and budgets of the present month. The day of an alert stays the same while it
lasts, so that whoever was told of it once isn't told again: the detected day; the day on which a budget ran out, and the
first of the month before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import polars as pl


def change_alerts(changed: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Grain: one (kind, subject, day); `size` is dollars a month."""
    return [*_alarms(changed["drift"]), *_budgets(changed["budgets"])]


def _alarms(drift: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in drift.filter(pl.col("status") == "open").to_dicts():
        rose = row["change"] > 0
        drifted = row["kind"] == "drift"
        since = f" since {row['since_day']}" if drifted else ""
        yield {
            "day": row["detected_day"], "kind": row["kind"], "subject": row["workflow"],
            "severity": "low" if not rose else "high" if drifted else "medium", "size": abs(row["month_usd"]),
            "detail": f"cost per outcome {'rose' if rose else 'fell'} by {_percent(abs(row['change']))}{since}, from "
            f"${_per(row['before_usd'])} to ${_per(row['after_usd'])}; smallest change it would notice "
            f"{_percent(row['minimum_detectable'])}: outlay acknowledge {row['alarm']}",
        }  # fmt: skip


def _budgets(budgets: pl.DataFrame) -> Iterator[dict[str, Any]]:
    if budgets.is_empty():
        return
    present = budgets["month"].max()
    for row in budgets.filter(pl.col("month") == present).to_dicts():
        dear = row["per_outcome_status"] == "over"
        money = row["budget_usd"] is not None and row["status"] in ("over", "at risk")
        if not dear and not money:
            continue
        over = money and row["status"] == "over"
        said = [_spending(row)] if money else []
        if dear:
            said.append(
                f"an outcome costs ${_per(row['cost_per_outcome_usd'])}, planned were "
                f"${_per(row['per_outcome_budget_usd'])}"
            )
        first = date.fromisoformat(f"{row['month']}-01")
        excess = (
            max((row["forecast_usd"] or row["spend_to_date_usd"]) - row["budget_usd"], Decimal(0))
            if money
            else Decimal(0)
        )
        yield {
            "day": (row["run_out_day"] if over else None) or first, "kind": "budget", "subject": _subject(row),
            "severity": "high" if over else "medium", "size": excess,
            "detail": f"{row['month']}: {'; '.join(said)}",
        }  # fmt: skip


def _spending(row: dict[str, Any]) -> str:
    spent = f"${row['spend_to_date_usd']:,.2f} of ${row['budget_usd']:,.2f} spent"
    forecast = f"forecast ${row['forecast_usd']:,.2f}" if row["forecast_usd"] is not None else "no forecast yet"
    if row["forecast_low_usd"] is not None and not row["final"]:
        forecast += f" (90 %: {row['forecast_low_usd']:,.2f} to {row['forecast_high_usd']:,.2f})"
    if row["status"] == "over":
        return f"{spent}, used up on {row['run_out_day']}, {forecast}"
    return f"{spent}, {forecast}, used up on {row['run_out_day']}"


def _subject(row: dict[str, Any]) -> str:
    if row["scope"] == "workflow":
        return row["workflow"]
    return "total" if row["scope"] == "total" else f"{row['scope']}={row['value']}"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(Decimal('0.1'), ROUND_HALF_EVEN):f} %"


def _per(amount: Decimal) -> str:
    """Four significant digits, never an exponent."""
    return f"{amount:,.{max(2, 3 - amount.adjusted())}f}" if amount else "0"
