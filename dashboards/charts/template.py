"""Colours, type and behaviour that every figure shares, for the light and the dark theme."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st

from dashboards import formats, sheet


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, those of .streamlit/config.toml; texts stand out from `paper` by 4.5 to 1 or more."""

    name: str
    paper: str
    ink: str
    muted: str  #: secondary texts
    hairline: str
    raised: str  #: behind a hover label
    accent: str  #: good, chosen, ours
    bad: str
    other: str  #: a third thing beside good and bad

    def pale(self, colour: str, share: float) -> str:
        """A colour for an area behind others."""
        red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
        return f"rgba({red},{green},{blue},{share})"


LIGHT = Palette(
    name="outlay-light", paper="#fbfaf7", ink="#151b1f", muted="#5b6770", hairline="#e2ded4", raised="#ffffff",
    accent="#0b5d4e", bad="#b23a48", other="#3e6fb0",
)  # fmt: skip
DARK = Palette(
    name="outlay-dark", paper="#12171a", ink="#e9e6de", muted="#a3adb3", hairline="#30383d", raised="#1f272b",
    accent="#5fc2ad", bad="#f08a94", other="#86b0ea",
)  # fmt: skip
FONT = "Inter, 'Helvetica Neue', Arial, sans-serif"


def _registered(look: Palette) -> None:
    axis = {
        "showgrid": False, "zeroline": False, "linecolor": look.hairline, "tickcolor": look.hairline, "ticks": "outside",
        "ticklen": 4, "tickfont": {"color": look.muted, "size": 12},
        "title": {"font": {"color": look.muted, "size": 12}, "standoff": 8}, "automargin": True, "fixedrange": True,
    }  # fmt: skip
    pio.templates[look.name] = go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": look.ink},
            "paper_bgcolor": look.paper, "plot_bgcolor": look.paper, "showlegend": False,
            "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
            "xaxis": axis,
            "yaxis": {
                **axis, "showgrid": True, "gridcolor": look.hairline, "gridwidth": 1, "showline": False, "ticks": "",
            },
            "hoverlabel": {
                "bgcolor": look.raised, "bordercolor": look.hairline,
                "font": {"family": FONT, "size": 13, "color": look.ink},
            },
            "hovermode": "closest", "dragmode": False,
        }
    )  # fmt: skip


for _look in (LIGHT, DARK):
    _registered(_look)


def palette() -> Palette:
    """The colours of the theme that the reader sees; light where no browser says."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def figure(height: int) -> go.Figure:
    return go.Figure(layout={"template": palette().name, "height": height})


def show(fig: go.Figure, alt: str, key: str, *, kept: bool = True) -> None:
    """Draw a figure; `alt` says what it shows to who can't see it. One that isn't `kept` is left out of the page's file."""
    if kept:
        sheet.keep("figure", figure=fig, alt=alt)
    st.plotly_chart(fig, theme=None, key=key, alt=alt, config={"displayModeBar": False, "responsive": True})


def money_axis(fig: go.Figure, top: float, about: str) -> None:
    """An upright scale from 0 to `top` in the currency shown, every figure with the same decimals, and what it is above it."""
    places = max(0, -math.floor(math.log10(top / 5))) if top > 0 else 2
    fig.update_yaxes(
        range=[0, top], tickprefix=formats.currency().symbol, tickformat=f",.{2 if places == 1 else places}f", nticks=6
    )
    above(fig, about)


def above(fig: go.Figure, words: str) -> None:
    """What the upright scale measures, where a reader begins: over it, and lying."""
    label(
        fig, words, x=0, xref="paper", xanchor="left", y=1, yref="paper", yanchor="bottom", yshift=8,
        font={"color": palette().muted, "size": 12},
    )  # fmt: skip
    fig.update_layout(margin={"t": max(34, fig.layout.margin.t or 0)})


def share_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks of a scale of shares, written as everywhere: `60 %`."""
    step = next((s for s in (1, 2, 5, 10, 20, 25, 50, 100) if (high - low) * 100 / s <= 6), 200)
    whole = range(math.ceil(low * 100 / step) * step, math.floor(high * 100) + 1, step)
    return {"tickvals": [n / 100 for n in whole], "ticktext": [formats.share(Decimal(n) / 100) for n in whole]}


def said(name: str) -> str:
    """A name from the data inside a figure, where Plotly would read mark-up."""
    return escape(name)


def label(fig: go.Figure, text: str, **place: object) -> None:
    """A direct label. Text comes escaped; `place` is Plotly's annotation."""
    fig.add_annotation(
        **{"text": text, "showarrow": False, "font": {"color": palette().ink, "size": 12}, "align": "left", **place}  # type: ignore[arg-type]
    )
