"""Writing exports as CSV, Parquet and XLSX. The same published set gives the same bytes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.exports.catalogue import lookup
from pipelines.exports.focus_columns import INSTANTS
from pipelines.exports.sheets import write_workbook
from pipelines.exports.tables import batches
from pipelines.exports.text import defused, plain
from pipelines.storage.published import Published
from pipelines.workspace.errors import OutlayError, UsageError

FORMATS = ("csv", "parquet", "xlsx")


def write(
    published: Published,
    name: str,
    kind: str,
    out: IO[bytes],
    first: date | None = None,
    last: date | None = None,
    focus: str | None = None,
) -> int:
    """Write one export to `out`; answers the number of rows. `focus`: the version of that dataset.

    Raises UsageError for an unknown name, format or version, and where a workbook can't hold the rows.
    """
    if kind not in FORMATS:
        raise UsageError(f"no format {kind!r}; expected one of {', '.join(FORMATS)}")
    export = lookup(name, focus)
    rows = batches(published, name, first, last, focus)
    if kind == "xlsx":
        return write_workbook(published, name, export.columns, rows, out, first, last)
    return _csv(export.columns, rows, out) if kind == "csv" else _parquet(export.columns, rows, out)


def write_file(
    published: Published,
    name: str,
    kind: str,
    path: Path,
    first: date | None = None,
    last: date | None = None,
    focus: str | None = None,
) -> int:
    """Write one export to a file that is there whole or not at all."""
    with whole_file(path) as out:
        return write(published, name, kind, out, first, last, focus)


@contextmanager
def whole_file(path: Path) -> Generator[IO[bytes]]:
    """A file to write that takes its name at the end of the block; where the block fails, nothing is left behind.

    Raises UsageError for a folder that isn't there, OutlayError where the file can't be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}: make it, or name another file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as out:
            yield out
        os.replace(temporary, path)
    except OSError as error:
        raise OutlayError(f"{path} cannot be written ({error.strerror or error}): nothing was changed") from error
    finally:
        temporary.unlink(missing_ok=True)


def document(
    published: Published, name: str, first: date | None = None, last: date | None = None, focus: str | None = None
) -> dict[str, Any]:
    """One export as a JSON document: rows as lists of texts (numbers too, so that no digit is lost), null for unknown."""
    rows = [
        [None if value is None else plain(value) for value in row]
        for batch in batches(published, name, first, last, focus)
        for row in rows_of(batch)
    ]
    return {"export": name, "columns": list(lookup(name, focus).columns), "rows": rows}


def rows_of(batch: pa.RecordBatch) -> Iterable[tuple[Any, ...]]:
    """Rows of a batch as Python values."""
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _csv(columns: tuple[str, ...], rows: Iterable[pa.RecordBatch], out: IO[bytes]) -> int:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    count = 0
    for batch in rows:
        writer.writerows([defused(value) for value in row] for row in rows_of(batch))
        count += batch.num_rows
    text.flush()
    text.detach()
    return count


def _parquet(columns: tuple[str, ...], rows: Iterable[pa.RecordBatch], out: IO[bytes]) -> int:
    writer: pq.ParquetWriter | None = None
    count = 0
    for batch in rows:
        batch = _instants(batch)
        writer = writer or pq.ParquetWriter(out, batch.schema, compression="zstd")
        writer.write_batch(batch)
        count += batch.num_rows
    if writer is None:
        writer = pq.ParquetWriter(out, pa.schema([(c, pa.string()) for c in columns]), compression="zstd")
    writer.close()
    return count


def _instants(batch: pa.RecordBatch) -> pa.RecordBatch:
    """FOCUS's periods are text where text is written, and instants here."""
    for name in INSTANTS:
        if name in batch.schema.names:
            place = batch.schema.get_field_index(name)
            batch = batch.set_column(place, name, batch.column(name).cast(pa.timestamp("us", tz="UTC")))
    return batch
