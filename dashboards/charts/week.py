"""What moved: each workflow's part in the week's like-for-like change."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboards import formats
from dashboards.charts.template import figure, label, palette, said
from dashboards.names import human
from dashboards.week import Effect


def contributions(effects: tuple[Effect, ...]) -> go.Figure:
    """Dollars by which last week's outcomes of each workflow would cost more or less this week."""
    look = palette()
    fig = figure(30 + 58 * len(effects))
    for n, effect in enumerate(reversed(effects)):
        value = float(effect.effect_usd)
        fig.add_bar(
            x=[value], y=[n], orientation="h", width=0.34, marker={"color": look.bad if value > 0 else look.accent}, hoverinfo="skip",
        )  # fmt: skip
        sign = "+" if value > 0 else ""
        label(fig, f"<b>{said(human(effect.workflow))}</b>", x=0, xref="paper", xanchor="left", y=n + 0.36)
        label(
            fig, f"{formats.unit_cost(effect.then_usd)} → {formats.unit_cost(effect.now_usd)}   <b>{sign}{formats.money(effect.effect_usd)}</b>",
            x=1, xref="paper", xanchor="right", align="right", y=n + 0.36,
        )  # fmt: skip
    values = [float(e.effect_usd) for e in effects]
    fig.add_vline(x=0, line={"color": look.ink, "width": 1})
    ends = [min([*values, 0.0]) * 1.02, max([*values, 0.0]) * 1.02]
    # With one direction only, bars grow from the left whichever it is: colour and sign tell which.
    fig.update_xaxes(range=ends if max(values, default=0) > 0 else ends[::-1], visible=False)
    fig.update_yaxes(visible=False, range=[-0.4, len(effects) - 0.4])
    fig.update_layout(barmode="overlay")
    return fig
