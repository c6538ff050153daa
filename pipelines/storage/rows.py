"""Rows of Python values as a table that SQL can read, for as long as a block lasts: one statement, not one a row."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa


@dataclass
class Shown:
    """A table that may be changed under the name it is registered by.

    What is registered in a transaction is held until that ends, even when it is unregistered: a large run's batches
    would all stay in memory. And a prepared query reads what is shown when it is executed.
    """

    table: pa.Table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def nothing(self) -> None:
        """Let go of the rows."""
        self.table = self.table.schema.empty_table()


@contextmanager
def as_table(
    con: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    types: Mapping[str, pa.DataType] | None = None,
) -> Generator[None]:
    """`rows` under `name`; a column is text unless `types` says otherwise."""
    kinds = types or {}
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    arrays = {
        column: pa.array(held, type=kinds.get(column, pa.string()))
        for column, held in zip(columns, values, strict=True)
    }
    shown = Shown(pa.table(arrays))
    con.register(name, shown)
    yield
    shown.nothing()
    con.unregister(name)  # not after a fault: the transaction is to be rolled back, and takes no statement until then
