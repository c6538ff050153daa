"""Rows of Python values as a table that SQL can read, for as long as a block lasts: one statement, not one a row."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa


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
    con.register(name, pa.table(arrays))
    yield
    con.unregister(name)  # not after a fault: the transaction is to be rolled back, and takes no statement until then
