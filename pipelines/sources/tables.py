"""Records of a table file as maps from column to value: CSV and Parquet."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.sources.documents import Row, too_long
from pipelines.sources.files import MAX_LINE, Place, Readable, Refused, lines, open_regular
from pipelines.sources.quarantine import excerpt
from pipelines.sources.record import Quarantined

csv.field_size_limit(MAX_LINE)
#: names of columns; secrets and ids have digits
_COLUMN = re.compile(r"[A-Za-z_]{1,48}")


class Cells(dict[str, Any]):
    """A row whose values are all text because the file says no more (CSV)."""


def csv_rows(stream: Readable) -> Iterator[Row]:
    """Rows of a CSV file with a header, as maps from column to text; empty cells are left out.

    Raises Refused where the header names a column twice: which of its cells counts is nobody's to guess.
    """
    refused: list[Row] = []
    start: int | None = None  # the line on which the row begins that is being read

    def decoded() -> Iterator[str]:
        nonlocal start
        for number, line in lines(stream, blank=True):
            if line is None:
                refused.append((number, too_long()))
                continue
            try:
                text = line.decode("utf-8") + "\n"
            except UnicodeDecodeError:
                refused.append((number, Quarantined("invalid UTF-8", excerpt(line))))
                continue
            start = start or number
            yield text

    reader = csv.reader(decoded(), strict=True)
    header: list[str] = []
    while True:
        start = None
        try:
            cells = next(reader, None)
        except csv.Error:
            yield start, Quarantined("invalid CSV")
            continue
        yield from refused
        refused.clear()
        if cells is None:
            return
        if not header:
            header = [cell.strip() for cell in cells]
            _refuse_twice_named(header)
        elif not cells:
            continue
        elif len(cells) != len(header):
            yield start, Quarantined(f"expected {len(header)} cells as in the header, found {len(cells)}")
        else:
            yield start, Cells((name, cell) for name, cell in zip(header, cells, strict=True) if cell != "")


def _refuse_twice_named(header: list[str]) -> None:
    """What may be a value, as the first line of a table without a header, is told by its places only."""
    for place, name in enumerate(header):
        first = header.index(name)
        if name and first < place:
            shown = f"column {name!r}" if _COLUMN.fullmatch(name) else "a column"
            raise Refused(f"CSV: the header names {shown} twice (columns {first + 1} and {place + 1}): keep one")


def parquet_rows(path: Place) -> Iterator[Row]:
    """Rows of a Parquet file as JSON-like values, numbered from 1; columns that are null are left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_regular(path) as raw:
        try:
            table = pq.ParquetFile(pa.PythonFile(raw, mode="r"))
            number = 0
            for batch in table.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: _plain(value) for name, value in row.items() if value is not None}
        except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
            raise Refused("Parquet: truncated or damaged") from fault


def _plain(value: Any) -> Any:
    """A Parquet value as the JSON value that would have said the same; a float by its shortest spelling."""
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else "NaN"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(type(item) is tuple for item in value):  # a column of maps comes as lists of pairs
            return {str(key): _plain(item) for key, item in value}
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
