"""`outlay export budget-pack`: the workbook that goes into a budget review.

Summary amounts are in the reporting currency, by the rate that the cover names; the tables behind it keep their dollar
columns and show the reporting currency beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from pipelines.exports.catalogue import EXPORTS
from pipelines.exports.cover import cover_lines, period_text, spent
from pipelines.exports.figures import SUMS
from pipelines.exports.glossary import GLOSSARY
from pipelines.exports.sheets import INK, NOTES, PAPER, RULE, Workbook
from pipelines.exports.summary import COLUMNS, Column, summary_rows, summary_total
from pipelines.exports.tables import batches
from pipelines.exports.write import rows_of, whole_file
from pipelines.publish.currency import Shown, shown
from pipelines.publish.names import human
from pipelines.storage.published import Published

#: sheet, export and the columns that stay in sight; those whose mart a set lacks are left out
TABLES = (
    ("Daily cost", "daily_cost", 2), ("Budgets", "budgets", 2), ("Unattributed", "unattributed", 1),
    ("Recommendations", "recommendations", 3), ("Reconciliation", "reconciliation", 3),
    ("Restatements", "restatements", 1),
)  # fmt: skip
_BAD_IN_NAMES = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")
ALARM, WATCH, FINE = "#f6d5cf", "#fbeecb", "#dcebdc"
STATUS = {"over": ALARM, "at risk": WATCH, "on track": FINE}


def write_pack(published: Published, path: Path, first: date | None = None, last: date | None = None) -> list[str]:
    """The workbook as a file that is there whole or not at all; answers the names of its sheets."""
    with whole_file(path) as out:
        return write_pack_to(published, out, first, last)


def write_pack_to(
    published: Published, out: IO[bytes], first: date | None = None, last: date | None = None
) -> list[str]:
    """`first` and `last` default to all that is published; month tables show the months that the period touches."""
    currency = shown(published.meta)
    book = Workbook(out, "Budget review")
    book.cover(
        "Budget review", cover_lines(published, first, last),
        ("Summary: in the reporting currency. Each further sheet is one table, with its export's own columns.", *NOTES),
    )  # fmt: skip
    _summary(book, published, currency, first, last)
    with published.connect() as con:
        held = {row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()}
    for sheet, name, freeze in TABLES:
        if name in held and name in EXPORTS:
            rows = list(_rows(published, name, first, last))
            columns = EXPORTS[name].columns
            book.table(sheet, columns, rows, SUMS.get(name, ()), currency, _headings(columns), freeze)
        if name == "budgets":
            _chargeback(book, published, currency, first, last)
    _glossary(book)
    book.close()
    return [sheet.get_name() for sheet in book.book.worksheets()]


def _rows(published: Published, name: str, first: date | None, last: date | None) -> Iterator[tuple[Any, ...]]:
    """Rows of the period; of tables by month, the months that it touches; of tables without one, all."""
    export = EXPORTS[name]
    if export.months:
        start, end = str(first)[:7] if first else "", str(last)[:7] if last else "9999-99"
        rows = (row for batch in batches(published, name) for row in rows_of(batch))
        at = next(i for i, column in enumerate(export.columns) if column in ("month", "period"))
        yield from (row for row in rows if start <= row[at][:7] <= end)
    else:
        dated = (first, last) if export.period else (None, None)
        yield from (row for batch in batches(published, name, *dated) for row in rows_of(batch))


def _headings(columns: Sequence[str]) -> dict[str, str]:
    return {column: heading(column) for column in columns}


def heading(column: str) -> str:
    """`spend_usd` -> `Spend (USD)`, as people read it."""
    money = column.endswith(("_usd", "_usd_month")) and not column.endswith("per_usd")
    said = human(column.replace("per_usd", "per_dollar").replace("_usd", ""))
    return f"{said} (USD)" if money else said


def _summary(
    book: Workbook, published: Published, currency: Shown, first: date | None, last: date | None
) -> None:  # fmt: skip
    """Spend, outcomes, value and budget of each workflow, the unattributed rest, the total, and two charts."""
    sheet = book.sheet("Summary", tab="#2f6f62")
    rows = summary_rows(published, first, last)
    spend, unborne = spent(published, first, last)
    total = summary_total(rows, spend, unborne)
    sheet.set_row(0, 28)
    title = book.style(bold=True, font_size=16, font_color=INK)
    sheet.write_string(0, 0, "Spend, outcomes and value by workflow", title)
    said = f"{period_text(published, first, last)}, amounts in {currency.said}"
    sheet.write_string(1, 0, said, book.style(font_color="#6b6f78"))
    sheet.set_row(3, 32)
    for i, column in enumerate(COLUMNS):
        style = {"bold": True, "bg_color": PAPER, "bottom": 2, "text_wrap": True, "valign": "vcenter"}
        sheet.write_string(3, i, column.heading, book.style(**style, **_side(column, i)))
        sheet.set_column(i, i, column.width)
    for at, row in enumerate((*rows, total), start=4):
        last_row = at == 4 + len(rows)
        for i, column in enumerate(COLUMNS):
            value = row.get(column.key)
            style: dict[str, Any] = {"bottom": 4, "bottom_color": RULE}
            if last_row:
                style = {"bold": True, "top": 1, "top_color": INK}
            elif column.key == "status" and value in STATUS:
                style |= {"bg_color": STATUS[value]}
            style |= _side(column, i)
            value = currency(value) if column.money and isinstance(value, Decimal) else value
            if value is None:
                sheet.write_blank(at, i, None, book.style(**style))
            else:
                book.cell(sheet, at, i, value, column.form, **style)
    sheet.freeze_panes(4, 1)
    end = 3 + sum(1 for row in rows if row["unit"])
    if end > 3:
        _chart(book, sheet, "Spend", currency, 2, end, at := 4 + len(rows) + 3, 0)
        _chart(book, sheet, "Cost per outcome", currency, 5, end, at, 6)
    sheet.activate()


def _side(column: Column, place: int) -> dict[str, Any]:
    return {"align": "right"} if column.form else {"align": "left", "indent": int(place > 1)}


def _chart(
    book: Workbook, sheet: Any, title: str, currency: Shown, column: int, end: int, row: int, at: int
) -> None:  # fmt: skip
    """A bar for each workflow, from the cells of the summary."""
    chart: Any = book.book.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": title, "categories": ["Summary", 4, 0, end, 0], "values": ["Summary", 4, column, end, column],
            "fill": {"color": "#2f6f62"}, "gap": 60,
            "data_labels": {"value": True, "font": {"name": "Calibri", "size": 9}},
        }
    )  # fmt: skip
    chart.set_title(
        {"name": f"{title} by workflow ({currency.currency})", "name_font": {"name": "Calibri", "size": 12}}
    )
    chart.set_legend({"none": True})
    chart.set_plotarea({"layout": {"x": 0.22, "y": 0.18, "width": 0.62, "height": 0.76}})
    chart.set_y_axis({"reverse": True, "num_font": {"name": "Calibri", "size": 9}, "line": {"color": RULE}})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_chartarea({"border": {"none": True}})
    chart.set_size({"width": 620, "height": 60 + 44 * max(3, end - 3)})
    sheet.insert_chart(row, at, chart, {"object_position": 2, "description": f"{title} by workflow, as in the table"})


def _chargeback(
    book: Workbook, published: Published, currency: Shown, first: date | None, last: date | None
) -> None:  # fmt: skip
    """A sheet for each dimension: its rows, with the allocation rate as a number of its own."""
    columns = EXPORTS["chargeback"].columns
    place = columns.index("dimension")
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in _rows(published, "chargeback", first, last):
        found.setdefault(row[place], []).append(row)
    taken = {"cover", "summary", "glossary", *(sheet.lower() for sheet, _, _ in TABLES)}
    for dimension, rows in sorted(found.items()):
        name = sheet_name(f"Chargeback {dimension}", taken)
        book.table(name, columns, rows, ("spend_usd", "requests"), currency, _headings(columns), 3)


def sheet_name(wanted: str, taken: set[str]) -> str:
    """At most 31 characters that a sheet's name may hold, not yet taken whatever its case."""
    base = _BAD_IN_NAMES.sub("_", wanted).strip()[:31]
    name, n = base, 1
    while name.lower() in taken:
        n += 1
        name = f"{base[: 30 - len(str(n))]} {n}"
    taken.add(name.lower())
    return name


def _glossary(book: Workbook) -> None:
    sheet = book.sheet("Glossary")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 118)
    for i, name in enumerate(("Word", "Meaning")):
        sheet.write_string(0, i, name, book.style(bold=True, bottom=2, bg_color=PAPER))
    for at, (word, meaning) in enumerate(GLOSSARY, start=1):
        sheet.write_string(at, 0, word, book.style(bold=True, valign="top", bottom=4, bottom_color=RULE))
        sheet.write_string(at, 1, meaning, book.style(text_wrap=True, valign="top", bottom=4, bottom_color=RULE))
    sheet.freeze_panes(1, 0)
