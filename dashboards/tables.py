"""How a table is shown: titled and written by names.py, sortable, first column pinned, with its rows to download."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.formats import UNKNOWN, currency, in_currency, plain
from dashboards.names import COLUMNS, Column
from pipelines.exports.text import defused
from pipelines.publish.currency import is_money

Row = Mapping[str, Any]
_ROW = 36


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
) -> None:
    """Show `columns` of `rows` to sort and scroll, and offer all of their keys as CSV. `most` rows are visible at once.

    A column is named by its key in `COLUMNS`, or `key=name` where a row's key has another name.
    """
    if not rows:
        st.caption(empty)
        return
    parts = [name.partition("=") for name in columns]
    picked = [(row_key, _titled(COLUMNS[title or row_key])) for row_key, _, title in parts]
    frame = pd.DataFrame({c.title or " ": _cells(rows, k, c) for k, c in picked})
    style = frame.style.format({c.title or " ": c.text for _, c in picked if c.number}, na_rep=UNKNOWN)
    config = {c.title or " ": _config(c, pinned=n == 0, width=(widths or {}).get(k)) for n, (k, c) in enumerate(picked)}
    selection: dict[str, Any] = {"on_select": on_select, "selection_mode": "single-row"} if on_select else {}
    st.dataframe(
        style, column_config=config, hide_index=True, key=key, alt=alt, row_height=_ROW, placeholder=UNKNOWN,
        height="content" if len(rows) <= most else _ROW * (most + 1), **selection,
    )  # fmt: skip
    _download(rows, key, download)


def listing(
    rows: Sequence[Row], columns: Sequence[str], *, key: str, alt: str, download: str, empty: str = "Nothing here."
) -> None:
    """A short table to read: few columns, texts in full, nothing to sort. Same columns and download as `table`."""
    if not rows:
        st.caption(empty)
        return
    parts = [name.partition("=") for name in columns]
    picked = [(row_key, _titled(COLUMNS[title or row_key])) for row_key, _, title in parts]
    frame = pd.DataFrame({c.title: [row[k] if c.number else plain(c.text(row[k])) for row in rows] for k, c in picked})
    style = frame.style.format({c.title: c.text for _, c in picked if c.number}, na_rep=UNKNOWN)
    st.table(style, border="horizontal", hide_index=True, alt=alt)
    _download(rows, key, download)


def _titled(column: Column) -> Column:
    """The column with its unit in the currency shown."""
    return replace(column, title=in_currency(column.title))


def _download(rows: Sequence[Row], key: str, name: str) -> None:
    st.download_button(
        "Download CSV", as_csv(rows), f"{name}.csv", "text/csv", key=f"{key}_csv", on_click="ignore", type="tertiary",
        help=f"{len(rows):,} rows with all digits.",
    )  # fmt: skip


def as_csv(rows: Sequence[Row]) -> bytes:
    """All keys of the rows, every digit, texts that a spreadsheet would run defused.

    Amounts are those shown: in another currency their column isn't called `_usd`.
    """
    shown = currency().currency.lower()
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(key.replace("_usd", f"_{shown}") if is_money(key) else key for key in rows[0])
    writer.writerows([defused(value) for value in row.values()] for row in rows)
    return out.getvalue().encode()


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
