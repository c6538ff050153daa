"""One spelling for the payloads of a key that has several, so that they can be compared as text.

A plan keeps a line of kind `requests` as it was written. For the few keys with several texts they are brought to the
canonical one here: key order, white space and the spelling of numbers make no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.sources import outlay_log
from pipelines.sources.context import Context, FileRef
from pipelines.sources.documents import parse
from pipelines.storage.models import filled
from pipelines.storage.rows import as_table

_MANY = 20_000


def spelt(text: str) -> str:
    """The canonical text of a record of kind `requests` that was kept; a canonical one is its own."""
    ahead = FileRef(Path(), "", now=datetime(9000, 1, 1, tzinfo=UTC))
    return outlay_log.parse(parse(text.encode()), Context(ahead))[0].canonical


def spell_out(con: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Bring the texts of `repeated_keys` to one spelling; equal ones get the same payload, a stored one's if there is.

    Answers whether any were equal.
    """
    con.execute(f"create or replace temp table several_texts as {filled('intake/several_texts', run=run_id)}")
    first = 0
    while rows := con.execute(
        f"select * from several_texts where place >= {first} and place < {first + _MANY} order by place"
    ).fetchall():
        _write(con, rows)
        first += _MANY
    equal = con.execute(
        "update records set payload = same.payload from (select id, first_value(payload) over "
        "(partition by request_key, canonical order by fresh, file, line) as payload from "
        "(select several_texts.id, several_texts.request_key, records.canonical, records.payload, fresh, "
        "several_texts.file, several_texts.line from several_texts inner join records on records.rowid = id) as read"
        ") as same where records.rowid = same.id and records.payload <> same.payload"
    ).fetchall()[0][0]
    return equal > 0


def _write(con: duckdb.DuckDBPyConnection, rows: Sequence[tuple[Any, ...]]) -> None:
    spelled = [(row[1], spelt(row[2])) for row in rows]
    changed = [new for new, row in zip(spelled, rows, strict=True) if new[1] != row[2]]
    if changed:
        with as_table(con, "spelled", ("id", "canonical"), changed, {"id": pa.int64()}):
            con.execute(
                "update records set canonical = spelled.canonical from spelled where records.rowid = spelled.id"
            )
