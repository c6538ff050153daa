"""Cost per outcome by day, and how a workflow's units spread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import plotly.graph_objects as go

from dashboards import formats
from dashboards.charts.template import figure, label, palette, said
from dashboards.queries import Rows, per


def daily_cost(rows: Rows, unit: str) -> go.Figure:
    """One workflow: days as dots, seven days as a line, the failed part shaded, provisional days pale."""
    look = palette()
    fig = figure(380)
    days = [row["day"] for row in rows]
    pale = [row["provisional"] for row in rows]
    first_pale = days[pale.index(True)] if True in pale else None
    failed = [_float(per(row["failure_7d_usd"], row["outcomes_7d"])) for row in rows]
    seven = [_float(row["cost_7d_usd"]) for row in rows]
    if first_pale:
        fig.add_vrect(
            x0=_hours(first_pale, -12), x1=_hours(days[-1], 12), fillcolor=look.hairline, opacity=0.45, line_width=0,
            layer="below",
        )  # fmt: skip
        label(
            fig, "provisional:<br>outcomes may<br>still arrive", x=_hours(first_pale, -8), y=1, yref="paper", xanchor="left",
            yanchor="top", font={"color": look.muted, "size": 11},
        )  # fmt: skip
    fig.add_scatter(
        x=days, y=failed, fill="tozeroy", mode="lines", line={"color": look.bad, "width": 1}, fillcolor=look.pale(look.bad, 0.16),
        hovertemplate="%{customdata}<extra></extra>",
        customdata=[f"{formats.day(r['day'])}: failures {formats.unit_cost(per(r['failure_7d_usd'], r['outcomes_7d']))} per {said(unit)}, 7 days" for r in rows],
    )  # fmt: skip
    top = 1.6 * max((v for v in seven if v is not None), default=1.0)
    for row in rows:
        cost = row["cost_per_outcome_usd"]
        if cost is not None and cost > top:
            label(
                fig, f"▲ {formats.unit_cost(cost)}", x=row["day"], y=top, yanchor="top", font={"color": look.muted, "size": 11},
                hovertext=_hover(row, unit),
            )  # fmt: skip
    for wanted, opacity in ((False, 0.55), (True, 0.9)):
        own = [
            row for row in rows
            if row["provisional"] is wanted and row["cost_per_outcome_usd"] is not None and row["cost_per_outcome_usd"] <= top
        ]  # fmt: skip
        fig.add_scatter(
            x=[row["day"] for row in own], y=[_float(row["cost_per_outcome_usd"]) for row in own], mode="markers", opacity=opacity,
            marker={
                "size": 7, "color": look.paper if wanted else look.muted, "line": {"color": look.muted, "width": 1.2 if wanted else 0},
            },
            hovertemplate="%{customdata}<extra></extra>",
            customdata=[_hover(row, unit) for row in own],
        )  # fmt: skip
    cut = pale.index(True) if True in pale else len(rows)
    lines = ((slice(0, cut), "solid", 3.0), (slice(max(cut - 1, 0), None), "dot", 2.0))
    for part, dash, width in lines:
        fig.add_scatter(
            x=days[part], y=seven[part], mode="lines", line={"color": look.accent, "width": width, "dash": dash}, connectgaps=True,
            hoverinfo="skip",
        )  # fmt: skip
    last = next((n for n in range(len(rows) - 1, -1, -1) if seven[n] is not None), None)
    if last is not None:
        label(
            fig, f"<b>{formats.unit_cost(rows[last]['cost_7d_usd'])}</b><br>7 days", x=days[last], y=seven[last], xanchor="left", xshift=22,
            font={"color": look.accent, "size": 13},
        )  # fmt: skip
        worth = formats.unit_cost(per(rows[last]["failure_7d_usd"], rows[last]["outcomes_7d"]))
        label(
            fig, f"{worth}<br>failures", x=days[last], y=0, xanchor="left", yanchor="bottom", xshift=22,
            font={"color": look.bad, "size": 12},
        )  # fmt: skip
    fig.update_yaxes(range=[0, top], tickprefix=formats.currency().symbol, nticks=6)
    fig.update_xaxes(tickformat="%-d %b", nticks=5, range=[_hours(days[0], -18), _hours(days[-1], 18)])
    fig.update_layout(margin={"r": 88})
    return fig


def lives(rows: Rows, unit: str) -> go.Figure:
    """What the units that became good on a day cost over their whole life: the median as a line, 95 % below the dots."""
    look = palette()
    fig = figure(340)
    known = [row for row in rows if row["lifetime_median_usd"] is not None]
    hovers = [
        f"<b>{formats.day(row['day'])}</b><br>{formats.plural(row['good_units'], said(unit))} became good<br>"
        f"median {formats.unit_cost(row['lifetime_median_usd'])}, 95 % below {formats.unit_cost(row['lifetime_p95_usd'])}"
        for row in known
    ]
    for row in known:
        fig.add_shape(
            type="line", x0=row["day"], x1=row["day"], y0=float(row["lifetime_median_usd"]), y1=float(row["lifetime_p95_usd"]),
            line={"color": look.muted, "width": 1}, layer="below",
        )  # fmt: skip
    for column, colour, width, words, side in (
        ("lifetime_p95_usd", look.muted, 0, "95 % cost<br>less than", "bottom"),
        ("lifetime_median_usd", look.accent, 3, "half cost<br>less than", "top"),
    ):
        fig.add_scatter(
            x=[row["day"] for row in known], y=[float(row[column]) for row in known], mode="lines+markers" if width else "markers",
            line={"color": colour, "width": width}, marker={"size": 5 if width else 6, "color": colour},
            hovertemplate="%{customdata}<extra></extra>", customdata=hovers,
        )  # fmt: skip
        label(
            fig, f"{words}<br><b>{formats.unit_cost(known[-1][column])}</b>", x=known[-1]["day"], y=float(known[-1][column]), xanchor="left",
            yanchor=side, xshift=18, font={"color": colour, "size": 12},
        )  # fmt: skip
    top = 1.1 * max(float(row["lifetime_p95_usd"]) for row in known)
    fig.update_yaxes(range=[0, top], tickprefix=formats.currency().symbol, nticks=6)
    fig.update_xaxes(tickformat="%-d %b", nticks=5, range=[_hours(known[0]["day"], -18), _hours(known[-1]["day"], 18)])
    fig.update_layout(margin={"r": 92})
    return fig


def spread(rows: Rows, unit: str) -> go.Figure:
    """Units by what they cost: good ones, and on top those that failed, were rejected or are open."""
    spends = [(float(row["spend_usd"]), row["status"] == "good") for row in rows if row["spend_usd"] is not None]
    look = palette()
    fig = figure(280)
    edges = np.histogram_bin_edges([s for s, _ in spends], bins=min(40, max(8, len(spends) // 12)))
    centres, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    for good, colour, word in ((True, look.accent, "good"), (False, look.bad, "failed, rejected or open")):
        counted = np.histogram([s for s, g in spends if g is good], bins=edges)[0]
        fig.add_bar(
            x=centres, y=counted, width=width * 0.92, marker={"color": colour, "line": {"width": 0}}, opacity=0.85,
            hovertemplate="%{customdata}<extra></extra>",
            customdata=[
                f"{formats.plural(int(n), said(unit))} {word}, {formats.unit_cost(Decimal(repr(float(a))))} to {formats.unit_cost(Decimal(repr(float(b))))}"
                for n, a, b in zip(counted, edges[:-1], edges[1:], strict=True)
            ],
        )  # fmt: skip
    for value, name, side in zip(
        quantiles([s for s, _ in spends]),
        ("half cost less than", "95 % cost less than"),
        ("right", "left"),
        strict=True,
    ):
        fig.add_vline(x=value, line={"color": look.ink, "width": 1, "dash": "dot"})
        label(
            fig, f"{name}<br><b>{formats.unit_cost(Decimal(repr(value)))}</b>", x=value, y=1, yref="paper", xanchor=side, yanchor="bottom",
            xshift=6 if side == "right" else -6, align=side,
        )  # fmt: skip
    fig.update_layout(barmode="stack", bargap=0, margin={"t": 46})
    fig.update_xaxes(tickprefix=formats.currency().symbol, title_text=f"spend on one {said(unit)}")
    fig.update_yaxes(title_text="units", nticks=5)
    return fig


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p95, linear between neighbours."""
    p50, p95 = np.quantile(np.asarray(values), [0.5, 0.95])
    return float(p50), float(p95)


def _hover(row: dict, unit: str) -> str:
    note = "<br>provisional" if row["provisional"] else ""
    return (
        f"<b>{formats.day(row['day'])}</b><br>{formats.unit_cost(row['cost_per_outcome_usd'])} per {said(unit)}<br>"
        f"{formats.money(row['spend_usd'])} ÷ {formats.count(row['outcomes'])} outcomes{note}"
    )


def _hours(day: date, hours: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(hours=hours)


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
