"""What `SparkLedger` answers to a statement, fetched as DuckDB's results are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars
import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.engine.ledger import SparkLedger


class Answer:
    """What a query on large tables gives, fetched as DuckDB's results are."""

    def __init__(self, ledger: SparkLedger, frame: DataFrame) -> None:
        self._ledger, self._frame = ledger, frame
        self._rows: list[tuple[Any, ...]] | None = None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._ledger.guarded(self._frame.collect)]

    def fetchone(self) -> tuple[Any, ...] | None:
        if self._rows is None:
            self._rows = self.fetchall()
        return self._rows.pop(0) if self._rows else None

    def to_arrow_table(self) -> pa.Table:
        return self._ledger.handed_over(self._frame)

    def pl(self) -> polars.DataFrame:
        frame = polars.from_arrow(self.to_arrow_table())
        assert isinstance(frame, polars.DataFrame)
        return frame


class Fetched:
    """Rows that lie there already."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


class Counted:
    """How many rows an insert wrote, counted when somebody asks."""

    def __init__(self, ledger: SparkLedger, frame: DataFrame) -> None:
        self._ledger, self._frame = ledger, frame

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [(self._ledger.guarded(self._frame.count),)]
