"""The evidence of the capability split: intervals drawn, with the line that decides."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboards import formats
from dashboards.charts.template import figure, label, palette, said, share_ticks
from dashboards.names import human
from dashboards.queries import Rows


def intervals(rows: Rows, value: str, lines: dict[float, str]) -> go.Figure:
    """One row a task type: the estimate as a dot with its figure, its 90 % interval as a bar, and the lines that decide."""
    look = palette()
    fig = figure(84 + 54 * len(rows))
    ends = [float(row[f"{value}_{end}"]) for row in rows for end in ("low", "high")] + list(lines)
    span = (max(ends) - min(ends)) or 0.1
    for n, row in enumerate(reversed(rows)):
        colour = {"switch": look.accent, "experiment": look.other}.get(row["decision"], look.muted)
        low, high, at = (float(row[key]) for key in (f"{value}_low", f"{value}_high", value))
        fig.add_scatter(
            x=[low, high], y=[n, n], mode="lines", line={"color": colour, "width": 6}, opacity=0.4, hoverinfo="skip"
        )
        fig.add_scatter(
            x=[at], y=[n], mode="markers", marker={"size": 12, "color": colour}, hovertemplate="%{customdata}<extra></extra>",
            customdata=[
                f"{said(human(row['task_type']))}: {formats.share(row[value])} (90 %: {formats.interval(row[f'{value}_low'], row[f'{value}_high'])})"
            ],
        )  # fmt: skip
        label(fig, f"<b>{formats.share(row[value])}</b>", x=at, y=n, yshift=18, font={"color": colour, "size": 12})
    for at, says in lines.items():
        fig.add_vline(x=at, line={"color": look.muted, "width": 1, "dash": "dot"})
        label(fig, says, x=at, y=1, yref="paper", yanchor="bottom", font={"color": look.muted, "size": 11})
    fig.update_yaxes(
        tickvals=list(range(len(rows))), showgrid=False, range=[-0.6, len(rows) - 0.3],
        ticktext=[f"{said(human(r['task_type']))}<br><span style='color:{look.muted}'>{said(human(r['workflow']))}</span>" for r in reversed(rows)],
        tickfont={"color": look.ink, "size": 12},
    )  # fmt: skip
    shown = [min(ends) - 0.14 * span, max(ends) + 0.14 * span]
    fig.update_xaxes(range=shown, **share_ticks(*shown))
    fig.update_layout(margin={"t": 28})
    return fig
