"""How a table is shown: titled and written by columns.py, sortable, first column pinned, with its rows to download."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import formats, sheet
from dashboards.access import while_signed_in
from dashboards.columns import COLUMNS, Column
from dashboards.formats import UNKNOWN, currency, in_currency, plain
from dashboards.shell import on_a_phone
from pipelines.exports.sheets import Workbook
from pipelines.exports.text import defused
from pipelines.publish.currency import is_money

Row = Mapping[str, Any]
_ROW = 36
MOST_BESIDE = 12  #: columns that a desktop shows beside each other
_SHEET = re.compile(r"[\[\]:*?/\\]")  #: what the name of a sheet may not hold


def table(
    rows: Sequence[Row],
    columns: Sequence[str],
    *,
    key: str,
    alt: str,
    download: str,
    empty: str = "Nothing here.",
    most: int = 12,
    widths: Mapping[str, str | int] | None = None,
    on_select: Any = None,
    shown: bool = True,
) -> None:
    """Show `columns` of `rows` to sort and scroll, and offer all of their keys as CSV and XLSX. `most` rows are visible at once.

    Rows that the page tells otherwise already are not `shown`, only offered.

    A column is named by its key in `COLUMNS`, or `key=name` where a row's key has another name.
    """
    if not rows:
        st.markdown(f":gray[:small[{formats.plain(empty)}]]")
        return
    if not shown:
        _download(rows, key, download)
        return
    parts = [name.partition("=") for name in columns]
    picked = [(row_key, _titled(COLUMNS[title or row_key])) for row_key, _, title in parts]
    frame = pd.DataFrame({c.title or " ": _cells(rows, k, c) for k, c in picked})
    style = frame.style.format({c.title or " ": c.text for _, c in picked if c.number}, na_rep=UNKNOWN)
    sheet.keep_table([(c.title, c.number) for _, c in picked], _texts(rows, picked), alt, len(rows))
    # a pinned column is pale: only where the table scrolls sideways
    scrolls = len(picked) > MOST_BESIDE or on_a_phone()
    config = {
        c.title or " ": _config(c, pinned=scrolls and n == 0, width=(widths or {}).get(k))
        for n, (k, c) in enumerate(picked)
    }
    selection: dict[str, Any] = {"on_select": on_select, "selection_mode": "single-row"} if on_select else {}
    with st.container(gap="xxsmall"):
        _download(rows, key, download, most)
        st.dataframe(
            style, column_config=config, hide_index=True, key=key, alt=alt, row_height=_ROW, placeholder=UNKNOWN,
            height="content" if len(rows) <= most else _ROW * (most + 1), **selection,
        )  # fmt: skip


def listing(
    rows: Sequence[Row], columns: Sequence[str], *, key: str, alt: str, download: str, empty: str = "Nothing here."
) -> None:
    """A short table to read: texts in full, nothing to sort. Same columns and download as `table`.

    Two columns at most: what scrolls sideways here can't be reached by keyboard, and what doesn't fits a phone.
    """
    if len(columns) > 2:
        raise ValueError(f"{key}: {len(columns)} columns are too many to read on a phone; use table")
    if not rows:
        st.markdown(f":gray[:small[{formats.plain(empty)}]]")
        return
    parts = [name.partition("=") for name in columns]
    picked = [(row_key, _titled(COLUMNS[title or row_key])) for row_key, _, title in parts]
    frame = pd.DataFrame({c.title: [row[k] if c.number else plain(c.text(row[k])) for row in rows] for k, c in picked})
    style = frame.style.format({c.title: c.text for _, c in picked if c.number}, na_rep=UNKNOWN)
    sheet.keep_table([(c.title, c.number) for _, c in picked], _texts(rows, picked), alt, len(rows))
    st.table(style, border="horizontal", hide_index=True, alt=alt)
    _download(rows, key, download)


def _texts(rows: Sequence[Row], picked: Sequence[tuple[str, Column]]) -> list[list[str]]:
    """Cells as they are read, for the page as a file."""
    return [[UNKNOWN if row[k] is None else c.text(row[k]) for k, c in picked] for row in rows[: sheet.MOST + 1]]


def _titled(column: Column) -> Column:
    """The column with its unit in the currency shown."""
    return replace(column, title=in_currency(column.title))


def _download(rows: Sequence[Row], key: str, name: str, most: int | None = None) -> None:
    """Both files are made when somebody asks for them, not when the page is drawn. Above the rows: there a touch screen's
    own buttons cover nothing. With more rows than the `most` in view, how many there are, on a phone in a line of its own.
    """
    kinds = (
        ("CSV", as_csv, "csv", "text/csv"),
        ("XLSX", lambda kept: as_xlsx(kept, name), "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )  # fmt: skip
    said = f":gray[:small[{formats.count(len(rows))} rows, {most} in view]]" if most and len(rows) > most else None
    if said and on_a_phone():
        st.markdown(said)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        if said and not on_a_phone():
            st.markdown(said, width="content")
        for kind, make, ending, mime in kinds:
            st.download_button(
                kind, while_signed_in(partial(make, rows)), f"{name}.{ending}", mime, key=f"{key}_{ending}", on_click="ignore",
                type="tertiary", icon=":material/download:", help=f"All of it as {kind}: {formats.plural(len(rows), 'row')}, all columns{' and digits' if kind == 'CSV' else ''}.",
            )  # fmt: skip


def as_csv(rows: Sequence[Row]) -> bytes:
    """All keys of the rows, every digit, texts that a spreadsheet would run defused."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_keys(rows))
    writer.writerows([defused(value) for value in row.values()] for row in rows)
    return out.getvalue().encode()


def as_xlsx(rows: Sequence[Row], name: str) -> bytes:
    """The same as a workbook: numbers as numbers, texts as texts. The same rows give the same bytes."""
    out = io.BytesIO()
    book = Workbook(out, name)
    book.table(_SHEET.sub(" ", name), _keys(rows), ([*row.values()] for row in rows))
    book.close()
    return out.getvalue()


def _keys(rows: Sequence[Row]) -> list[str]:
    """Amounts are those shown: in another currency their column isn't called `_usd`."""
    shown = currency().currency.lower()
    return [key.replace("_usd", f"_{shown}") if is_money(key) else key for key in rows[0]]


def _cells(rows: Sequence[Row], key: str, column: Column) -> list[Any]:
    values = [row[key] for row in rows]
    if column.number or column.day:
        return values
    # Texts are written out here: a search in the table finds what is seen.
    return [column.text(value) for value in values]


def _config(column: Column, *, pinned: bool, width: Any) -> Any:
    if column.day:
        return st.column_config.DateColumn(
            column.title, help=column.help, pinned=pinned, width=width, format="D MMM YYYY"
        )
    kind = st.column_config.NumberColumn if column.number else st.column_config.TextColumn
    return kind(column.title, help=column.help, pinned=pinned, width=width)
