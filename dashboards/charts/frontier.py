"""What a workflow would save for what it would keep: today, recommended, cheapest, and the promise that is asked about."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboards import formats
from dashboards.charts.template import above, figure, label, palette, share_ticks
from dashboards.curve import Curve, Point


def frontier(curve: Curve, accepted: int) -> go.Figure:
    """Saving (x) against retention (y), both with their 90 % intervals; the accepted promise as a line."""
    look = palette()
    fig = figure(400)
    steps: dict[tuple[float, float], Point] = {}
    for point in curve.targets.values():
        steps.setdefault((float(point["saving_share"]), float(point["retention"])), point)
    path = sorted({(0.0, 1.0), *steps})
    cheapest = (float(curve.cheapest["saving_share"]), float(curve.cheapest["retention"]))
    fig.add_scatter(
        x=[x for x, _ in path],
        y=[y for _, y in path],
        mode="lines",
        line={"color": look.accent, "width": 2},
        hoverinfo="skip",
    )
    fig.add_scatter(
        x=[path[-1][0], cheapest[0]], y=[path[-1][1], cheapest[1]], mode="lines",
        line={"color": look.muted, "width": 1.2, "dash": "dot"}, hoverinfo="skip",
    )  # fmt: skip
    furthest = max(cheapest[0], path[-1][0])
    chosen = curve.targets[accepted]
    ends = [1.0, accepted / 100]
    named = [(curve.cheapest, look.muted, 10, f"cheapest<br>{_figures(curve.cheapest)}")]
    if curve.recommended["saving_share"] > 0:
        named.append((curve.recommended, look.accent, 13, f"<b>recommended</b><br>{_figures(curve.recommended)}"))
    asked = (float(chosen["saving_share"]), float(chosen["retention"]))
    if asked not in {(float(p["saving_share"]), float(p["retention"])) for p, *_ in named} and asked[0] > 0:
        named.append((chosen, look.other, 13, f"<b>at {accepted}{formats.NBSP}%</b><br>{_figures(chosen)}"))
    for point, colour, size, words in named:
        x, y = float(point["saving_share"]), float(point["retention"])
        ends += [float(point["retention_low"]), float(point["retention_high"])]
        fig.add_scatter(
            x=[x], y=[y], mode="markers", marker={"size": size, "color": colour},
            error_y={
                "type": "data", "symmetric": False, "array": [float(point["retention_high"]) - y],
                "arrayminus": [y - float(point["retention_low"])], "color": colour, "thickness": 2, "width": 6,
            },
            error_x={
                "type": "data", "symmetric": False, "array": [float(point["saving_high"]) - x],
                "arrayminus": [x - float(point["saving_low"])], "color": colour, "thickness": 2, "width": 6,
            },
            hovertemplate="%{customdata}<extra></extra>",
            customdata=[
                f"saves {formats.share(point['saving_share'])} (90 %: {formats.interval(point['saving_low'], point['saving_high'])})<br>"
                f"keeps {formats.share(point['retention'])} (90 %: {formats.interval(point['retention_low'], point['retention_high'])})"
            ],
        )  # fmt: skip
        beside = "right" if x > 0.6 * furthest else "left"
        under = point is curve.cheapest
        label(
            fig, words, x=x, y=y, xanchor=beside, align=beside, xshift=-12 if beside == "right" else 12,
            yanchor="top" if under else "bottom", yshift=-4 if under else 6, font={"color": colour, "size": 12},
        )  # fmt: skip
    fig.add_scatter(x=[0], y=[1], mode="markers", marker={"size": 11, "color": look.ink}, hoverinfo="skip")
    label(fig, "<b>today</b>", x=0, y=1, xanchor="left", yanchor="top", xshift=8, yshift=-4)
    fig.add_hline(y=accepted / 100, line={"color": look.other, "width": 1.2, "dash": "dash"})
    label(
        fig, f"accepted: {accepted}{formats.NBSP}%", x=0, xref="paper", y=accepted / 100, xanchor="left", yanchor="top",
        font={"color": look.other, "size": 12},
    )  # fmt: skip
    low, high = min(ends), max(ends)
    span = max(high - low, 0.04)
    right = max(furthest, 0.05)
    kept, saved = (low - 0.2 * span, high + 0.2 * span), (-0.05 * right, 1.08 * right)
    fig.update_yaxes(range=kept, **share_ticks(*kept))
    above(fig, "quality kept, of today's")
    fig.update_xaxes(range=saved, title_text="cost saved", **share_ticks(*saved))
    return fig


def _figures(point: Point) -> str:
    return f"saves {formats.share(point['saving_share'])}<br>keeps {formats.share(point['retention'])}"
