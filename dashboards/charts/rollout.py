"""The rollout drawn: does traffic follow the declared share, and what came of each promise."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import plotly.graph_objects as go

from dashboards import formats, names
from dashboards.charts.template import figure, label, palette, said, share_ticks
from dashboards.queries import Rows


def followed(rows: Rows) -> go.Figure:
    """One tier of one route by day: the declared share as steps, its band, and the observed share as dots."""
    look = palette()
    fig = figure(240)
    for part in _runs(rows):
        x = [datetime.combine(row["day"], time(12)) for row in part]
        edges = [x[0] - timedelta(hours=12), *x, x[-1] + timedelta(hours=12)]
        low, high, share = (
            [float(part[0][k]), *(float(row[k]) for row in part), float(part[-1][k])]
            for k in ("low", "high", "declared_share")
        )
        fig.add_scatter(x=edges, y=high, mode="lines", line={"width": 0}, hoverinfo="skip")
        fig.add_scatter(
            x=edges, y=low, mode="lines", line={"width": 0}, fill="tonexty", fillcolor=look.pale(look.accent, 0.16),
            hoverinfo="skip",
        )  # fmt: skip
        fig.add_scatter(x=edges, y=share, mode="lines", line={"color": look.accent, "width": 1.5}, hoverinfo="skip")
    for row in rows:
        colour = look.accent if row["in_band"] else look.bad
        fig.add_scatter(
            x=[datetime.combine(row["day"], time(12))], y=[float(row["observed_share"])], mode="markers",
            marker={
                "size": 7 if row["in_band"] else 10, "color": colour if row["full_day"] else look.paper,
                "line": {"color": colour, "width": 1.2}, "symbol": "circle" if row["in_band"] else "diamond",
            },
            hovertemplate="%{customdata}<extra></extra>",
            customdata=[
                f"<b>{formats.day(row['day'])}</b><br>{formats.share(row['observed_share'])} of "
                f"{formats.plural(row['route_requests'], 'request')}; declared {formats.share(row['declared_share'])}"
            ],
        )  # fmt: skip
    last = rows[-1]
    end = datetime.combine(last["day"], time(23))
    label(
        fig, f"<b>{formats.share(last['declared_share'])}</b><br>declared", x=end, y=float(last["declared_share"]),
        xanchor="left", xshift=6, font={"color": look.accent, "size": 12},
    )  # fmt: skip
    top = max(max(float(row["high"]), float(row["observed_share"])) for row in rows)
    shown = (0.0, min(1.06, 1.15 * top))
    fig.update_yaxes(range=shown, **share_ticks(*shown))
    fig.update_xaxes(tickformat="%-d %b", nticks=5)
    fig.update_layout(margin={"r": 72, "t": 8})
    return fig


def _runs(rows: Rows) -> list[Rows]:
    """Days in a row under one version: a share changes as a step, not as a slope."""
    found: list[Rows] = []
    for row in rows:
        if found and found[-1][-1]["since"] == row["since"]:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def promises(rows: Rows) -> go.Figure:
    """One row a decision: what was promised for the shares in force as a hollow mark, what came of it with its interval."""
    look = palette()
    fig = figure(72 + 62 * len(rows))
    ends = [0.0]
    for n, row in enumerate(reversed(rows)):
        promised, mid, low, high = (
            None if row[k] is None else float(row[k]) for k in ("promised_usd", "realised_usd", "low_usd", "high_usd")
        )
        colour = {"saved": look.accent, "costs more": look.bad}.get(row["finding"], look.muted)
        if low is not None and high is not None and mid is not None:
            ends += [low, high]
            fig.add_scatter(
                x=[low, high], y=[n, n], mode="lines", line={"color": colour, "width": 6}, opacity=0.4, hoverinfo="skip"
            )
            fig.add_scatter(
                x=[mid], y=[n], mode="markers", marker={"size": 12, "color": colour},
                hovertemplate="%{customdata}<extra></extra>",
                customdata=[f"realised {formats.money(row['realised_usd'])} a month (90 %: {formats.money(row['low_usd'])} to {formats.money(row['high_usd'])})"],
            )  # fmt: skip
            words = {
                "saved": formats.money(row["realised_usd"]),
                "costs more": f"{formats.money(-row['realised_usd'])} dearer",
            }
            label(
                fig, f"<b>{words.get(row['finding'], 'can’t be told from 0')}</b>", x=mid, y=n, yshift=19,
                font={"color": colour, "size": 12},
            )  # fmt: skip
        if promised is not None:
            ends.append(promised)
            fig.add_scatter(
                x=[promised], y=[n], mode="markers",
                marker={"size": 13, "symbol": "diamond-open", "color": look.other, "line": {"width": 2}},
                hovertemplate="%{customdata}<extra></extra>",
                customdata=[f"promised {formats.money(row['promised_usd'])} a month at the shares in force so far"],
            )  # fmt: skip
            label(
                fig, f"promised {formats.money(row['promised_usd'])}", x=promised, y=n, yshift=-19,
                font={"color": look.other, "size": 11},
            )  # fmt: skip
        if mid is None:
            label(
                fig, said(names.human(row["finding"])), x=0, y=n, xanchor="left", yshift=19 if promised else 0,
                font={"color": look.muted, "size": 12},
            )  # fmt: skip
    span = (max(ends) - min(ends)) or 1.0
    fig.add_vline(x=0, line={"color": look.muted, "width": 1, "dash": "dot"})
    fig.update_yaxes(
        tickvals=list(range(len(rows))), showgrid=False, range=[-0.65, len(rows) - 0.3], tickfont={"color": look.ink, "size": 12},
        ticktext=[
            f"{said(names.human(r['task_type']))}<br><span style='color:{look.muted}'>{said(names.human(r['workflow']))}</span>"
            for r in reversed(rows)
        ],
    )  # fmt: skip
    fig.update_xaxes(
        range=[min(ends) - 0.12 * span, max(ends) + 0.16 * span], nticks=6, tickprefix=formats.currency().symbol,
        title={"text": "saved a month"},
    )  # fmt: skip
    return fig
