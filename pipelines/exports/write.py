"""Writing exports as CSV, Parquet and XLSX. The same published set gives the same bytes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from pipelines.exports.tables import batches, lookup
from pipelines.exports.text import defused, plain
from pipelines.storage.published import Published
from pipelines.workspace.errors import UsageError

FORMATS = ("csv", "parquet", "xlsx")
XLSX_ROWS = 1_048_575  #: what a sheet holds below its header


def write(
    published: Published,
    name: str,
    kind: str,
    out: IO[bytes],
    first: date | None = None,
    last: date | None = None,
) -> int:
    """Write one export to `out`; answers the number of rows. Raises UsageError for an unknown name or format."""
    writers: dict[str, Callable[..., int]] = {"csv": _csv, "parquet": _parquet, "xlsx": _xlsx}
    if kind not in writers:
        raise UsageError(f"no format {kind!r}; expected one of {', '.join(FORMATS)}")
    export = lookup(name)
    return writers[kind](export.columns, batches(published, name, first, last), out, name)


def write_file(
    published: Published,
    name: str,
    kind: str,
    path: Path,
    first: date | None = None,
    last: date | None = None,
) -> int:
    """Write one export to a file that is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as out:
            rows = write(published, name, kind, out, first, last)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def document(published: Published, name: str, first: date | None = None, last: date | None = None) -> dict[str, Any]:
    """One export as a JSON document: rows as lists of texts (numbers too, so that no digit is lost), null for unknown."""
    rows = [
        [None if value is None else plain(value) for value in row]
        for batch in batches(published, name, first, last)
        for row in rows_of(batch)
    ]
    return {"export": name, "columns": list(lookup(name).columns), "rows": rows}


def rows_of(batch: pa.RecordBatch) -> Iterable[tuple[Any, ...]]:
    """Rows of a batch as Python values."""
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _csv(columns: tuple[str, ...], rows: Iterable[pa.RecordBatch], out: IO[bytes], _name: str) -> int:
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


def _parquet(columns: tuple[str, ...], rows: Iterable[pa.RecordBatch], out: IO[bytes], _name: str) -> int:
    writer: pq.ParquetWriter | None = None
    count = 0
    for batch in rows:
        writer = writer or pq.ParquetWriter(out, batch.schema, compression="zstd")
        writer.write_batch(batch)
        count += batch.num_rows
    if writer is None:
        writer = pq.ParquetWriter(out, pa.schema([(c, pa.string()) for c in columns]), compression="zstd")
    writer.close()
    return count


def _xlsx(columns: tuple[str, ...], rows: Iterable[pa.RecordBatch], out: IO[bytes], name: str) -> int:
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    # a workbook states when it was made: fixed, so that the same set gives the same bytes
    book.set_properties({"title": name, "created": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
    sheet = book.add_worksheet(name[:31])
    header = book.add_format({"bold": True, "bottom": 1, "bg_color": "#f1eee6"})
    formats = _formats(book)
    sheet.freeze_panes(1, 1)
    for i, column in enumerate(columns):
        sheet.write_string(0, i, column, header)
        sheet.set_column(i, i, max(12, min(28, len(column) + 3)))
    count = 0
    for batch in rows:
        for row in rows_of(batch):
            count += 1
            if count > XLSX_ROWS:
                book.close()
                raise UsageError(f"{name} has more rows than a sheet holds ({XLSX_ROWS:,}): use csv or parquet")
            for i, value in enumerate(row):
                _cell(sheet, count, i, columns[i], value, formats)
    sheet.autofilter(0, 0, max(count, 1), len(columns) - 1)
    book.close()
    return count


def _formats(book: xlsxwriter.Workbook) -> dict[str, Any]:
    return {
        "usd": book.add_format({"num_format": "#,##0.00"}),
        "price": book.add_format({"num_format": "0.000000000000"}),
        "per": book.add_format({"num_format": "#,##0.0000"}),
        "share": book.add_format({"num_format": "0.0%"}),
        "count": book.add_format({"num_format": "#,##0"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
    }


def _cell(sheet: Any, row: int, column: int, name: str, value: Any, formats: dict[str, Any]) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, Decimal | int | float):
        sheet.write_number(row, column, float(value), formats[_number_format(name, value)])
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), formats["time"])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), formats["day"])  # noqa: DTZ001
    else:
        sheet.write_string(row, column, str(value))


def _number_format(name: str, value: Any) -> str:
    if isinstance(value, int):
        return "count"
    if name.endswith("unit_price_usd"):
        return "price"
    if name.endswith(("share", "allocation_rate")):
        return "share"
    if name.startswith(("cost_per", "value_per", "amount", "cost_usd", "break_even")) or name in (
        "low",
        "high",
    ):
        return "per"
    return "usd" if name.endswith("usd") else "per"
