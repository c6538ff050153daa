"""Beside the daily figure: seven days, whole lives, failure load, and what is still open.

Spend and acceptance fall on different days, so a day's spend over a day's outcomes jumps about. Seven days of both
smooth that; the lifetime cost of the units that became good on a day leaves it out altogether.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import polars as pl

from pipelines.ledger.declared import worth
from pipelines.outcomes.ratios import quotient
from pipelines.storage.models import filled, sql
from pipelines.workspace.load import Loaded

MONEY = pl.Decimal(38, 12)
VALUES: dict[str, Any] = {
    "workflow": pl.String(), "valid_from": pl.Date(), "valid_to": pl.Date(), "kind": pl.String(),
    "per_outcome_usd": MONEY, "minutes_saved": MONEY, "hourly_rate_usd": MONEY, "basis": pl.String(),
    "owner": pl.String(),
}  # fmt: skip


def outcome_days(con: duckdb.DuckDBPyConnection, _loaded: Loaded, as_of: date) -> pl.DataFrame:
    """Grain: one row per (day, workflow) of `daily_cost`.

    `cost_per_outcome_7d_usd`: spend of seven days ÷ outcomes of seven days. `lifetime_median_usd`, `lifetime_p95_usd`:
    of the units that became good that day and still are (the lower of two middle ones; never a mean of two).
    `failure_load_usd`: what failed attempts add to the cost of a good outcome, failure spend ÷ outcomes.
    """
    rows = con.sql(filled("outcomes/outcome_days", reported=sql("outcomes/reported")), params={"as_of": as_of}).pl()
    ratios = {
        "cost_per_outcome_7d_usd": ("spend_7d_usd", "outcomes_7d"),
        "failure_load_usd": ("failure_spend_usd", "outcomes"),
        "failure_load_7d_usd": ("failure_spend_7d_usd", "outcomes_7d"),
    }
    return rows.with_columns(
        pl.Series(name, [quotient(*pair) for pair in zip(rows[over], rows[under], strict=True)], MONEY)
        for name, (over, under) in ratios.items()
    )


def work_in_progress(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> pl.DataFrame:
    """Grain: one row per (workflow, age): open units that already cost something, by days since their first request."""
    zone = loaded.config.reporting.timezone
    text = filled("outcomes/work_in_progress", zone=zone, reported=sql("outcomes/reported"))
    return con.sql(text, params={"as_of": as_of}).pl()


def value_basis(_con: duckdb.DuckDBPyConnection, loaded: Loaded, _as_of: date) -> pl.DataFrame:
    """Grain: one row per declared value and its validity (`valid_to` is excluded): what it rests on and who owns it."""
    rows = []
    for name, workflow in sorted(loaded.config.workflows.items()):
        values = sorted(workflow.value, key=lambda value: value.from_ or date.min)
        for place, value in enumerate(values):
            after = values[place + 1] if place + 1 < len(values) else None
            kind = (
                "per event" if value.field else "minutes × rate" if value.minutes_saved is not None else "per outcome"
            )
            rows.append((
                name, value.from_, after and after.from_, kind, worth(value), value.minutes_saved,
                value.hourly_rate_usd, value.basis, value.owner,
            ))  # fmt: skip
    return pl.DataFrame(rows, schema=VALUES, orient="row")
