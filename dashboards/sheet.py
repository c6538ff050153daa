"""A page as it was shown, kept while it is drawn, to be written as one HTML file that asks for nothing when it is opened."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

HERE = Path(__file__).parent
FONT = HERE / "static" / "inter-latin-tabular.woff2"
_SHEET = "sheet"
MOST = 200  #: rows of a table that are written; its download has all


@dataclass
class Sheet:
    """What stands on one page, in its order: each block a kind and what the template needs of it."""

    blocks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def add(self, kind: str, **parts: Any) -> None:
        self.blocks.append((kind, parts))


def begin() -> Sheet:
    """A fresh sheet for the run of a page that begins."""
    st.session_state[_SHEET] = Sheet()
    return st.session_state[_SHEET]


def shown() -> Sheet:
    """The sheet of the page that is being drawn."""
    return st.session_state[_SHEET]


def keep(kind: str, **parts: Any) -> None:
    """Remember a block of the page that is being drawn."""
    if (sheet := st.session_state.get(_SHEET)) is not None:
        sheet.add(kind, **parts)


def keep_table(titles: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]], alt: str, count: int) -> None:
    """`titles` with whether they head numbers; cells as shown, of `count` rows in all."""
    keep("table", titles=list(titles), rows=[list(row) for row in rows[:MOST]], all=count, alt=alt)


def html(sheet: Sheet, heading: Mapping[str, str], colours: Mapping[str, str]) -> bytes:
    """The whole page. Every text is escaped; figures bring their program along."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    blocks = [
        (kind, [parts | ({"drawn": _drawn(parts["figure"], n)} if kind == "figure" else {}) for n, (_, parts) in group])
        for kind, group in groupby(enumerate(sheet.blocks), key=lambda one: one[1][0])
    ]
    text = environment.get_template("sheet.html.jinja").render(
        blocks=blocks, heading=heading, colours=colours, font=_font(), program=_program() if any(k == "figure" for k, _ in blocks) else "",
    )  # fmt: skip
    return text.encode()


def _drawn(figure: go.Figure, place: int) -> Markup:
    """A figure's own element and script; Plotly writes `<` and `>` of its texts as escapes."""
    return Markup(
        figure.to_html(
            full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True},
            div_id=f"figure-{place}", validate=False,
        )
    )  # fmt: skip


@cache
def _program() -> Markup:
    return Markup(get_plotlyjs())


@cache
def _font() -> str:
    return base64.b64encode(FONT.read_bytes()).decode() if FONT.is_file() else ""
