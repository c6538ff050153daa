"""Request records on their way into the ledger: each goes straight to `records`, once, as if its call were its alone.

So what a run holds in memory does not grow with the size of a file. What is not alone is put right afterwards, on
narrow columns (`dedupe`); the run's transaction takes everything back if it comes to nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from pipelines.storage.models import filled, literal


@dataclass(frozen=True)
class Staging:
    """Where the records of one run go. `zone` decides their reporting day."""

    con: duckdb.DuckDBPyConnection
    run_id: str = ""
    zone: str = "UTC"

    def take(self, rows: str) -> int:
        """Store the rows of a query or table with the columns of `REQUEST_SCHEMA`; how many there were."""
        with filters_in_place(self.con):
            return self.con.execute(self._insert(rows)).fetchall()[0][0]

    def prepare(self, rows: str) -> None:
        """Plan `take(rows)` once, for `take_prepared`: planning costs as much as thousands of rows."""
        with filters_in_place(self.con):
            self.con.execute(f"prepare take_rows as {self._insert(rows)}")

    def take_prepared(self) -> int:
        """Store what the prepared query finds now."""
        return self.con.execute("execute take_rows").fetchall()[0][0]

    def _insert(self, rows: str) -> str:
        model = filled("intake/staged_requests", rows=rows, zone=self.zone, run=self.run_id)
        return f"insert into records by name {model}"

    def of_file(self, source: str, file: str) -> str:
        """SQL for what this run took of one file."""
        return f"run_id = {literal(self.run_id)} and source = {literal(source)} and file = {literal(file)}"


@contextmanager
def filters_in_place(con: duckdb.DuckDBPyConnection) -> Generator[None]:
    """Keep each filter where the model has it: moved down, it would work out the columns it needs twice."""
    con.execute("set disabled_optimizers = 'filter_pushdown'")
    try:
        yield
    finally:
        con.execute("reset disabled_optimizers")
