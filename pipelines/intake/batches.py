"""Parsed records on their way into the ledger: typed columns, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.sources.record import (
    EVALUATION_SCHEMA,
    OUTCOME_SCHEMA,
    REQUEST_SCHEMA,
    SPAN_SCHEMA,
    Evaluation,
    OutcomeEvent,
    Parsed,
    RequestRecord,
    SpanContext,
)

BATCH_ROWS = 50_000

#: family -> (shape, schema); the incoming tables are named `incoming_<family>`
FAMILIES: dict[str, tuple[type, pa.Schema]] = {
    "requests": (RequestRecord, REQUEST_SCHEMA),
    "spans": (SpanContext, SPAN_SCHEMA),
    "outcomes": (OutcomeEvent, OUTCOME_SCHEMA),
    "evaluations": (Evaluation, EVALUATION_SCHEMA),
}
_FAMILY_OF = {shape: family for family, (shape, _) in FAMILIES.items()}


@dataclass
class Batches:
    """Collects records of all families; `flush` appends them to the incoming tables."""

    con: duckdb.DuckDBPyConnection
    rows: dict[str, list[tuple[tuple[Any, ...], Parsed]]] = field(default_factory=lambda: {f: [] for f in FAMILIES})

    def __post_init__(self) -> None:
        for family, (_, schema) in FAMILIES.items():
            self.con.register("empty_batch", schema.empty_table())
            self.con.execute(f"create or replace temp table incoming_{family} as from empty_batch")
            self.con.unregister("empty_batch")

    def add(self, origin: tuple[str, str, str, int | None], parsed: Parsed) -> None:
        rows = self.rows[_FAMILY_OF[type(parsed)]]
        rows.append((origin, parsed))
        if len(rows) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        for family, rows in self.rows.items():
            if not rows:
                continue
            schema = FAMILIES[family][1]
            self.con.register("batch", pa.table(_columns(rows, schema), schema=schema))
            self.con.execute(f"insert into incoming_{family} by name from batch")
            self.con.unregister("batch")
            rows.clear()

    def discard(self, source: str, file: str) -> None:
        """Forget everything that came from one file."""
        for family, rows in self.rows.items():
            rows[:] = [row for row in rows if row[0][0] != source or row[0][2] != file]
            self.con.execute(
                f"delete from incoming_{family} where source = $source and file = $file",
                {"source": source, "file": file},
            )


def _columns(rows: list[tuple[tuple[Any, ...], Parsed]], schema: pa.Schema) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for i, name in enumerate(("source", "kind", "file", "line")):
        columns[name] = [origin[i] for origin, _ in rows]
    for name in schema.names[4:]:
        values: list[Any] = [getattr(parsed, name) for _, parsed in rows]
        kind = schema.field(name).type
        if pa.types.is_map(kind):
            values = [sorted(value.items()) for value in values]
        elif name == "units":
            values = [[{"unit_id": u, "weight": format(w, "f")} for u, w in value] for value in values]
        elif pa.types.is_list(kind):
            values = [list(value) for value in values]
        columns[name] = values
    return columns
