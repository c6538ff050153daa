"""The marts of the month close: bills against the ledger, unseen and shared costs, closed months against today's figures."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from pipelines.close.adjustments import adjustments
from pipelines.close.billed import missing_logs
from pipelines.close.days import work_out
from pipelines.close.reconciliation import reconcile
from pipelines.close.records import read_records
from pipelines.close.shared import shared_costs
from pipelines.close.unseen import unseen_spend
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded


def close_marts(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> dict[str, pl.DataFrame]:
    """By name; `cost_centres`, `account_spend`, `input_files`, `missing_logs` and `close_problems` are no exports."""
    work_out(con)
    found = reconcile(con, loaded, as_of)
    marts = found.frames()
    marts["unseen_spend"] = unseen_spend(found, loaded.config)
    marts["shared_costs"] = shared_costs(con, loaded, as_of)
    marts["cost_centres"] = con.sql(sql("close/cost_centres")).pl()
    marts["account_spend"] = con.sql(sql("close/account_spend")).pl()
    marts["input_files"] = con.sql(sql("close/input_files")).pl()
    marts["missing_logs"] = missing_logs(con, found)
    records = read_records(loaded.root)
    marts["close_adjustments"] = adjustments(records, marts)
    marts["close_problems"] = records.problems()
    return marts
