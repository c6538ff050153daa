"""Workbooks: one sheet a table, header, number formats, totals, frozen panes, and a cover that says what it is.

A number cell of a workbook is a binary float of 15 significant digits, whatever is written into it: Decimals are summed
before they become cells, and the exact digits are those of the CSV and Parquet exports. Texts are plain strings, never
formulas; no cell of a table is a formula. The same published set gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
import xlsxwriter

from pipelines.exports.cover import cover_lines
from pipelines.exports.figures import SUMS, number_format
from pipelines.publish.currency import Shown, is_money, shown
from pipelines.storage.published import Published
from pipelines.workspace.errors import UsageError

XLSX_ROWS = 1_048_574  #: what a sheet holds below its header and above its totals
XLSX_TEXT = 32_767  #: characters of a cell
INK, PAPER, RULE, MUTED = "#1f2430", "#f1eee6", "#b8b2a3", "#6b6f78"
FONT = "Calibri"


class Workbook:
    """A workbook with the house's styles. `long`: rows are flushed as they come, so that memory holds none."""

    def __init__(self, out: IO[bytes], title: str, *, long: bool = False) -> None:
        self.book = xlsxwriter.Workbook(out, {"constant_memory": long, "default_date_format": "yyyy-mm-dd"})
        # a workbook states when it was made: fixed, so that the same set gives the same bytes
        self.book.set_properties({"title": title, "created": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
        self._styles: dict[tuple, Any] = {}

    def style(self, **wanted: Any) -> Any:
        key = tuple(sorted(wanted.items()))
        if key not in self._styles:
            self._styles[key] = self.book.add_format({"font_name": FONT, "font_size": 10, **wanted})
        return self._styles[key]

    def sheet(self, name: str, *, tab: str | None = None) -> Any:
        """A new sheet, set up to be printed: landscape, as wide as the page, its name and page number below."""
        sheet = self.book.add_worksheet(name[:31])
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.set_footer("&L&8&F&C&8&A&R&8&P / &N")
        if tab:
            sheet.set_tab_color(tab)
        return sheet

    def cover(self, title: str, lines: Sequence[tuple[str, str]], notes: Sequence[str] = ()) -> Any:
        """The first sheet: a title, what the figures are of, and how to read them."""
        sheet = self.sheet("Cover", tab=INK)
        sheet.set_column(0, 0, 3)
        sheet.set_column(1, 1, 26)
        sheet.set_column(2, 2, 92)
        sheet.set_row(1, 34)
        sheet.write_string(1, 1, title, self.style(bold=True, font_size=20, font_color=INK))
        at = 3
        for label, text in lines:
            sheet.write_string(at, 1, label, self.style(font_color=MUTED, bottom=4, bottom_color=RULE, valign="top"))
            sheet.write_string(at, 2, text, self.style(text_wrap=True, bottom=4, bottom_color=RULE, valign="top"))
            at += 1
        for note in notes:
            at += 1
            sheet.write_string(at, 2, note, self.style(text_wrap=True, font_color=MUTED, italic=True, valign="top"))
        return sheet

    def table(
        self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], sums: Sequence[str] = (),
        currency: Shown | None = None, headings: Mapping[str, str] | None = None, freeze: int = 1,
    ) -> tuple[Any, int]:  # fmt: skip
        """A sheet with its header in the first row and, where `sums` names columns, totals below the last one.

        With another reporting currency, money columns are repeated at the right in it. Answers the sheet and the
        number of rows. Raises UsageError where a sheet can't hold them.
        """
        sheet = self.sheet(name)
        converted = [i for i, c in enumerate(columns) if currency and currency.currency != "USD" and is_money(c)]
        names = [*columns, *(in_currency(columns[i], currency) for i in converted if currency)]
        for i, column in enumerate(names):
            sheet.write_string(0, i, (headings or {}).get(column, column), self._header())
        widths, totals, count = [_width((headings or {}).get(c, c)) for c in names], dict.fromkeys(sums, None), 0
        sheet.set_row(0, 30)
        for row in rows:
            count += 1
            if count > XLSX_ROWS:
                self.book.close()
                raise UsageError(f"{name} has more rows than a sheet holds ({XLSX_ROWS:,}): use csv or parquet")
            for i, value in enumerate((*row, *(currency(row[i]) for i in converted if currency))):
                self.cell(sheet, count, i, value, number_format(names[i], value))
                if isinstance(value, str):
                    widths[i] = max(widths[i], min(len(value) + 2, 44))
                elif value is not None and names[i] in totals:
                    totals[names[i]] = value + (totals[names[i]] or 0)
        if count and sums:
            self._totals(sheet, count + 1, names, totals, converted, currency)
        for i, width in enumerate(widths):
            sheet.set_column(i, i, max(11, min(width, 46)))
        sheet.freeze_panes(1, freeze)
        sheet.autofilter(0, 0, max(count, 1), len(names) - 1)
        sheet.repeat_rows(0)
        return sheet, count

    def _header(self) -> Any:
        return self.style(
            bold=True, bottom=2, bottom_color=INK, bg_color=PAPER, font_color=INK, text_wrap=True, valign="vcenter"
        )

    def _totals(
        self, sheet: Any, at: int, names: Sequence[str], totals: Mapping[str, Any], converted: Sequence[int],
        currency: Shown | None,
    ) -> None:  # fmt: skip
        line: dict[str, Any] = {"bold": True, "top": 1, "top_color": INK}
        if currency:
            totals = dict(totals) | {
                in_currency(names[i], currency): currency(totals[names[i]]) for i in converted if names[i] in totals
            }
        for i, name in enumerate(names):
            value = totals.get(name)
            if i == 0 and value is None:
                sheet.write_string(at, i, "Total", self.style(**line))
            elif value is None:
                sheet.write_blank(at, i, None, self.style(**line))
            else:
                sheet.write_number(at, i, float(value), self.style(**line, num_format=number_format(name, value)))

    def cell(self, sheet: Any, row: int, column: int, value: Any, form: str | None = None, **style: Any) -> None:
        """One value in the cell of its kind; an unknown one leaves the cell empty."""
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value, self.style(**style))
        elif isinstance(value, Decimal | int | float):
            sheet.write_number(row, column, float(value), self.style(**style, num_format=form or "General"))
        elif isinstance(value, datetime):
            at = value.astimezone(UTC).replace(tzinfo=None)
            sheet.write_datetime(row, column, at, self.style(**style, num_format="yyyy-mm-dd hh:mm:ss"))
        elif isinstance(value, date):
            at = datetime(value.year, value.month, value.day)  # noqa: DTZ001
            sheet.write_datetime(row, column, at, self.style(**style, num_format="yyyy-mm-dd"))
        else:
            sheet.write_string(row, column, printable(str(value)), self.style(**style))

    def close(self) -> None:
        self.book.close()


def _width(heading: str) -> int:
    """Room for a heading on two lines, and for the arrow of its filter."""
    words = heading.split()
    return max(len(heading) // 2 + 4 if len(words) > 1 else len(heading) + 3, *(len(word) + 3 for word in words))


def in_currency(column: str, currency: Shown) -> str:
    """`spend_usd` -> `spend_eur`, beside it."""
    return column.replace("_usd", f"_{currency.currency.lower()}")


def printable(text: str) -> str:
    """A text as a cell can hold it: the characters that XML has no place for are shown as a replacement character."""
    held = "".join(c if c in "\t\n\r" or c >= " " else "\ufffd" for c in text[:XLSX_TEXT])
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" or c in "\ufffe\uffff" else c for c in held)


def write_workbook(
    published: Published, name: str, columns: tuple[str, ...], batches: Iterable[pa.RecordBatch], out: IO[bytes],
    first: date | None = None, last: date | None = None,
) -> int:  # fmt: skip
    """One export as a workbook: its cover and its table. Answers the number of rows."""
    book = Workbook(out, name, long=True)
    book.cover(f"{published.meta['name']}: {name}", cover_lines(published, first, last), NOTES)
    rows = (row for batch in batches for row in zip(*(c.to_pylist() for c in batch.columns), strict=True))
    sheet, count = book.table(name, columns, rows, SUMS.get(name, ()), shown(published.meta))
    sheet.activate()
    book.close()
    return count


NOTES = (
    "Columns named _usd are US dollars. Where another reporting currency is shown, its columns stand at the right.",
    "A number cell holds 15 significant digits; the exact ones are in the CSV and Parquet exports.",
    "Requests without a price are in no sum. An empty cell is unknown, not 0.",
)
