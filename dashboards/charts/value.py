"""Spend against what it returns: the waste is seen at a glance."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from dashboards import formats
from dashboards.charts.template import above, figure, label, palette, said
from dashboards.names import human
from dashboards.queries import Rows


def value_map(rows: Rows) -> go.Figure:
    """Ranked workflows: spend (x), value per dollar (y, log because 2 and 1/2 are equally far from break-even).

    Whiskers are 90 % intervals, bubbles grow with outcomes, what lies under the line costs more than it is worth.
    """
    ranked = [row for row in rows if row["value_per_usd"] is not None and row["value_per_usd"] > 0]
    look = palette()
    fig = figure(420)
    if not ranked:
        return fig
    lows = [float(row["low"] if row["low"] and row["low"] > 0 else row["value_per_usd"]) for row in ranked]
    highs = [float(row["high"] or row["value_per_usd"]) for row in ranked]
    bottom, top = min([*lows, 0.5]) / 2, max([*highs, 2.0]) * 2
    right = max(float(row["spend_usd"]) for row in ranked) * 1.22
    fig.add_hrect(y0=bottom, y1=1, fillcolor=look.bad, opacity=0.07, line_width=0, layer="below")
    fig.add_hline(y=1, line={"color": look.ink, "width": 1.2})
    label(
        fig, "break-even: a dollar spent returns a dollar", x=0.005, xref="paper", y=0, xanchor="left", yanchor="top", yshift=-3,
        font={"color": look.muted, "size": 12},
    )  # fmt: skip
    most = max(row["outcomes"] for row in ranked) or 1
    for row, low, high in zip(ranked, lows, highs, strict=True):
        y, x = float(row["value_per_usd"]), float(row["spend_usd"])
        colour = look.bad if high < 1 else look.accent
        size = 10 + 26 * math.sqrt(max(row["outcomes"], 0) / most)
        fig.add_scatter(
            x=[x], y=[y], mode="markers",
            marker={"size": size, "color": colour, "opacity": 0.3, "line": {"width": 0}},
            error_y={
                "type": "data", "symmetric": False, "array": [high - y], "arrayminus": [y - low], "color": look.ink, "thickness": 1.5, "width": 6,
            },
            hovertemplate="%{customdata}<extra></extra>",
            customdata=[
                f"<b>{said(human(row['workflow']))}</b><br>{formats.money(row['value_per_usd'])} per dollar "
                f"(90 %: {formats.money(row['low'])} to {formats.money(row['high'])})<br>"
                f"{formats.money(row['spend_usd'])} spent, {formats.share(row['spend_share'])} of all spend<br>"
                f"{formats.count(row['outcomes'])} outcomes"
            ],
        )  # fmt: skip
        fig.add_scatter(x=[x], y=[y], mode="markers", marker={"size": 5, "color": look.ink}, hoverinfo="skip")
        under = y < 1 or any(
            float(o["value_per_usd"]) > y
            and abs(float(o["spend_usd"]) - x) < right * 0.6
            and float(o["value_per_usd"]) < 2.5 * y
            for o in ranked
        )
        side = "left" if x < right * 0.12 else "right" if x > right * 0.75 else "center"
        radius = size / 2 + 3
        label(
            fig, f"<b>{said(human(row['workflow']))}</b><br>{formats.money(row['value_per_usd'])} per dollar", x=x, y=math.log10(y),
            xanchor=side, yanchor="top" if under else "bottom", yshift=-radius if under else radius, align=side, xshift={"left": -10, "right": 10}.get(side, 0),
            font={"color": colour, "size": 13},
        )  # fmt: skip
    ticks = [t for e in range(-4, 6) for t in (10**e, 2 * 10**e, 5 * 10**e) if bottom <= t <= top]
    fig.update_yaxes(
        type="log", range=[math.log10(bottom), math.log10(top)], tickvals=ticks, ticktext=[f"{formats.currency().symbol}{t:g}" for t in ticks],
    )  # fmt: skip
    above(fig, "value per dollar spent")
    fig.update_xaxes(
        range=[-right * 0.04, right], tickprefix=formats.currency().symbol, title_text="spend in the period", nticks=6
    )
    return fig
