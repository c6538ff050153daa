"""What a reader sees of a page under test."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboards.formats import unplain
from pipelines.storage.published import Published


def title(at: AppTest) -> str:
    return unplain(at.title[0].value)


def said(at: AppTest) -> str:
    """Every heading and line of words, one a line, as shown."""
    parts = [
        *at.title,
        *at.header,
        *at.subheader,
        *at.markdown,
        *at.caption,
        *at.success,
        *at.error,
        *at.warning,
    ]
    return "\n".join(unplain(part.value) for part in parts)


def metrics(at: AppTest) -> dict[str, tuple[str, str]]:
    return {unplain(m.label): (unplain(m.value), unplain(m.delta)) for m in at.metric}


def frames(at: AppTest) -> list[list[dict[str, Any]]]:
    """Rows of every sortable table, in page order."""
    return [frame.value.to_dict("records") for frame in at.dataframe]


def frame(at: AppTest, *titles: str) -> list[dict[str, Any]]:
    """The rows of the one table that has these column titles."""
    found = [rows for rows in frames(at) if rows and set(titles) <= set(rows[0])]
    assert len(found) == 1, f"{len(found)} tables with {titles}"
    return found[0]


def rows(published: Published, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """A query on the marts, apart from the dashboard's own."""
    with published.connect(units=True) as con:
        return con.execute(query, parameters).fetchall() if parameters else con.execute(query).fetchall()


def cents(value: Decimal) -> str:
    return f"${value:,.2f}"
