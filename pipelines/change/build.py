"""The marts that say what changed: each a function of the ledger, the workspace with its decisions, and as-of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import polars as pl

from pipelines.workspace.load import Loaded

Mart = Callable[[duckdb.DuckDBPyConnection, Loaded, date], pl.DataFrame]

#: name of the mart -> what computes it from the open ledger
MARTS: dict[str, Mart] = {}


def changes(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> dict[str, pl.DataFrame]:
    """Every mart of this folder, by name. A replay of the present ledger, never a memory of runs."""
    return {name: mart(con, loaded, as_of) for name, mart in MARTS.items()}
