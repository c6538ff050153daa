"""Colours, type and behaviour that every figure shares."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st

PAPER, INK, MUTED, HAIRLINE = "#fbfaf7", "#151b1f", "#5b6770", "#e2ded4"
ACCENT, BAD, AMBER = "#0b5d4e", "#b23a48", "#d98324"
SERIES = ("#3e6fb0", "#9b4f96", "#b23a48", "#5b6770")
NAME = "outlay"
FONT = "Inter, 'Helvetica Neue', Arial, sans-serif"

_AXIS = {
    "showgrid": False, "zeroline": False, "linecolor": HAIRLINE, "tickcolor": HAIRLINE, "ticks": "outside", "ticklen": 4,
    "tickfont": {"color": MUTED, "size": 12}, "title": {"font": {"color": MUTED, "size": 12}, "standoff": 8},
    "automargin": True, "fixedrange": True,
}  # fmt: skip

pio.templates[NAME] = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": PAPER, "plot_bgcolor": PAPER, "colorway": list(SERIES), "showlegend": False,
        "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
        "xaxis": _AXIS,
        "yaxis": {**_AXIS, "showgrid": True, "gridcolor": HAIRLINE, "gridwidth": 1, "showline": False, "ticks": ""},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": HAIRLINE, "font": {"family": FONT, "size": 13, "color": INK}},
        "hovermode": "closest", "dragmode": False,
    }
)  # fmt: skip


def figure(height: int) -> go.Figure:
    return go.Figure(layout={"template": NAME, "height": height})


def show(fig: go.Figure, alt: str, key: str) -> None:
    """Draw a figure; `alt` says what it shows to who can't see it."""
    st.plotly_chart(fig, theme=None, key=key, alt=alt, config={"displayModeBar": False, "responsive": True})


def said(name: str) -> str:
    """A name from the data inside a figure, where Plotly would read mark-up."""
    return escape(name)


def label(fig: go.Figure, text: str, **place: object) -> None:
    """A direct label. Text comes escaped; `place` is Plotly's annotation."""
    fig.add_annotation(
        **{"text": text, "showarrow": False, "font": {"color": INK, "size": 12}, "align": "left", **place}  # type: ignore[arg-type]
    )
