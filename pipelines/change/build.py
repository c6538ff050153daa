"""The marts that say what changed: each a function of the ledger, the workspace with its decisions, and as-of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import polars as pl

from pipelines.change.bridge import bridge_marts
from pipelines.change.budgets import budget_marts
from pipelines.change.drift import drift_marts
from pipelines.change.weekly import weekly_index
from pipelines.close.build import close_marts
from pipelines.outcomes.days import outcome_days, value_basis, work_in_progress
from pipelines.outcomes.rollup import rollup_marts
from pipelines.rollout.marts import rollout_marts
from pipelines.workspace.load import Loaded

Mart = Callable[[duckdb.DuckDBPyConnection, Loaded, date], pl.DataFrame]

#: name of the mart -> what computes it from the open ledger
MARTS: dict[str, Mart] = {
    "weekly_index": weekly_index,
    "outcome_days": outcome_days,
    "work_in_progress": work_in_progress,
    "value_basis": value_basis,
}
#: what computes several marts at once, from one replay
FAMILIES: tuple[Callable[[duckdb.DuckDBPyConnection, Loaded, date], dict[str, pl.DataFrame]], ...] = (
    bridge_marts,
    budget_marts,
    rollup_marts,
    drift_marts,
    close_marts,
    rollout_marts,
)


def changes(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> dict[str, pl.DataFrame]:
    """Every mart of this folder, by name. A replay of the present ledger, never a memory of runs."""
    made = {name: mart(con, loaded, as_of) for name, mart in MARTS.items()}
    for family in FAMILIES:
        made |= family(con, loaded, as_of)
    return made
