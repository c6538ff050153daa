"""What spend can be charged back by, what the `assign` rules caught, and how much of the providers' own reports the logs hold."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl

from pipelines.outcomes.ratios import quotient
from pipelines.storage.models import sql

_MONEY = pl.Decimal(38, 12)
CHARGEBACK: dict[str, Any] = {
    "month": pl.String(), "dimension": pl.String(), "value": pl.String(), "spend_usd": _MONEY, "share": _MONEY,
    "unattributed_usd": _MONEY, "allocation_rate": _MONEY, "requests": pl.Int64(),
}  # fmt: skip
COVERAGE: dict[str, Any] = {
    "day": pl.Date(), "provider": pl.String(), "model": pl.String(), "reported_tokens": pl.Int64(),
    "held_tokens": pl.Int64(), "share": _MONEY,
}  # fmt: skip
RULES: dict[str, Any] = {
    "rule": pl.Int64(), "match": pl.String(), "valid_from": pl.Date(), "workflow": pl.String(), "task_type": pl.String(),
    "requests": pl.Int64(), "spend_usd": _MONEY, "first_day": pl.Date(), "last_day": pl.Date(),
}  # fmt: skip


def attribution(con: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """The marts `chargeback`, `coverage` and `assign_rules`, over all days of the ledger."""
    return {
        "chargeback": chargeback(con),
        "coverage": coverage(con),
        "assign_rules": _frame(_rows(con, "assign_rules"), RULES),
    }


def chargeback(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Grain: one row per (month, dimension, value), months of the reporting zone as `2026-10`.

    Dimensions are `source`, `task_type`, `workflow` and every further one under `tags:`; a request bears its one value
    of each, whole, however many units share it. For each (month, dimension):

        Σ spend_usd + unattributed_usd = all spend of the month
        share           = spend_usd ÷ all spend of the month
        unattributed_usd = spend of the requests that carry no value, repeated on every row
        allocation_rate  = Σ spend_usd ÷ all spend of the month, likewise

    Where no request of the month carries the dimension, one row with an empty value and no spend says so. A sum of
    which nothing is priced is empty.
    """
    rows = _rows(con, "chargeback")
    for row in rows:
        row["share"] = quotient(row["spend_usd"], row["month_usd"])
        row["allocation_rate"] = quotient(row["attributed_usd"], row["month_usd"])
    return _frame(rows, CHARGEBACK)


def coverage(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Grain: one row per (UTC day, provider, model) of the usage reports: share = tokens in the logs ÷ tokens reported.

    A report that does not tell models apart has an empty model. A share above 1: the report is younger than the logs,
    or covers another account. Leaves the temporary table `coverage` for the alerts.
    """
    reports = con.execute("select 1 from metered_buckets where wins limit 1").fetchall()
    told = f"select * from ({sql('publish/coverage')}) as told {'' if reports else 'limit 0'}"
    con.execute(f"create or replace temp table coverage as {told}")
    rows = con.sql("select * from coverage order by day, provider, model nulls first").pl().to_dicts()
    for row in rows:
        row["share"] = quotient(row["held_tokens"], row["reported_tokens"])
        row["model"] = row["model"] and row["model"].removeprefix(f"{row['provider']}/")
    return _frame(rows, COVERAGE)


def _rows(con: duckdb.DuckDBPyConnection, model: str) -> list[dict[str, Any]]:
    return con.sql(sql(f"publish/{model}")).pl().to_dicts()


def _frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema, orient="row")
