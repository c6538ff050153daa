"""Parsed records on their way into the ledger: typed columns, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.intake.staging import Staging
from pipelines.sources.record import (
    EVALUATION_SCHEMA,
    OUTCOME_SCHEMA,
    REQUEST_SCHEMA,
    SCORE_SCHEMA,
    SPAN_SCHEMA,
    Evaluation,
    OutcomeEvent,
    Parsed,
    RequestRecord,
    Score,
    SpanContext,
)
from pipelines.storage.rows import Shown

#: A parsed record takes some three kilobytes of Python objects.
BATCH_ROWS = 10_000

#: family -> (shape, schema); requests go to `records` (see `staging`), the others to `incoming_<family>`
FAMILIES: dict[str, tuple[type, pa.Schema]] = {
    "requests": (RequestRecord, REQUEST_SCHEMA),
    "spans": (SpanContext, SPAN_SCHEMA),
    "outcomes": (OutcomeEvent, OUTCOME_SCHEMA),
    "evaluations": (Evaluation, EVALUATION_SCHEMA),
    "scores": (Score, SCORE_SCHEMA),
}
_FAMILY_OF = {shape: family for family, (shape, _) in FAMILIES.items()}
#: family -> the table that holds what this run reads
STAGED = {family: "records" if family == "requests" else f"incoming_{family}" for family in FAMILIES}


@dataclass
class Batches:
    """Collects records of all families; `flush` appends them to the tables of `STAGED`."""

    staging: Staging
    rows: dict[str, list[tuple[tuple[Any, ...], Parsed]]] = field(default_factory=lambda: {f: [] for f in FAMILIES})

    def __post_init__(self) -> None:
        con = self.staging.con
        for family, (_, schema) in FAMILIES.items():
            if family != "requests":
                con.register("empty_batch", schema.empty_table())
                con.execute(f"create or replace temp table incoming_{family} as from empty_batch")
                con.unregister("empty_batch")

    def add(self, origin: tuple[str, str, str, int | None], parsed: Parsed) -> None:
        rows = self.rows[_FAMILY_OF[type(parsed)]]
        rows.append((origin, parsed))
        if len(rows) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        for family, rows in self.rows.items():
            if not rows:
                continue
            con, schema = self.staging.con, FAMILIES[family][1]
            batch = Shown(pa.table(_columns(rows, schema), schema=schema))
            con.register("batch", batch)
            if family == "requests":
                self.staging.take("batch")
            else:
                con.execute(f"insert into incoming_{family} by name from batch")
            batch.nothing()
            con.unregister("batch")
            rows.clear()

    def discard(self, source: str, file: str) -> None:
        """Forget everything that came from one file."""
        for family, rows in self.rows.items():
            rows[:] = [row for row in rows if row[0][0] != source or row[0][2] != file]
            there = self.staging.of_file(source, file) if family == "requests" else "source = $source and file = $file"
            named = {} if family == "requests" else {"source": source, "file": file}
            self.staging.con.execute(f"delete from {STAGED[family]} where {there}", named)


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
