"""Cost per outcome by day, and how a workflow's units spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go

from dashboards import formats
from dashboards.charts.template import figure, label, money_axis, palette, said
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
    money_axis(fig, top, f"cost of one {said(unit)}")
    fig.update_xaxes(tickformat="%-d %b", nticks=5, range=[_hours(days[0], -18), _hours(days[-1], 18)])
    fig.update_layout(margin={"r": 88})
    return fig


def spark(values: Sequence[Decimal], *, rising: bool) -> go.Figure:
    """A line without axes under a figure: the way it came, its end marked. Its scale is its own."""
    look = palette()
    colour = look.bad if rising else look.accent
    fig = figure(56)
    y = [float(value) for value in values]
    fig.add_scatter(y=y, mode="lines", line={"color": colour, "width": 2}, hoverinfo="skip")
    fig.add_scatter(x=[len(y) - 1], y=y[-1:], mode="markers", marker={"color": colour, "size": 7}, hoverinfo="skip")
    fig.update_xaxes(visible=False, range=[-0.5, len(y) + 0.5])
    margin = (max(y) - min(y)) * 0.2 or abs(y[0]) * 0.1 or 1.0
    fig.update_yaxes(visible=False, range=[min(y) - margin, max(y) + margin])
    fig.update_layout(margin={"l": 0, "r": 4, "t": 2, "b": 2})
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
    money_axis(fig, top, f"cost of one {said(unit)} over its whole life")
    fig.update_xaxes(tickformat="%-d %b", nticks=5, range=[_hours(known[0]["day"], -18), _hours(known[-1]["day"], 18)])
    fig.update_layout(margin={"r": 92})
    return fig


def spread(steps: Rows, summary: Mapping[str, Any], unit: str) -> go.Figure:
    """Units by what they cost, a bar a step: good ones, and on top those that failed, were rejected or are open."""
    look = palette()
    fig = figure(280)
    width, last = steps[0]["step_usd"], steps[0]["last_step"]
    beyond = summary["dearest_usd"] > (last + 1) * width
    for key, colour, word in (
        ("good_units", look.accent, "good"),
        ("other_units", look.bad, "failed, rejected or open"),
    ):
        own = [
            (row["step"], row["good_units"] if key == "good_units" else row["units"] - row["good_units"])
            for row in steps
        ]
        fig.add_bar(
            x=[float((n + Decimal("0.5")) * width) for n, _ in own], y=[units for _, units in own], width=float(width) * 0.92,
            marker={"color": colour, "line": {"width": 0}}, opacity=0.85, hovertemplate="%{customdata}<extra></extra>",
            customdata=[
                f"{formats.plural(units, said(unit))} {word}, {formats.unit_cost(n * width)} "
                + (f"or more, up to {formats.unit_cost(summary['dearest_usd'])}" if beyond and n == last else f"to {formats.unit_cost((n + 1) * width)}")
                for n, units in own
            ],
        )  # fmt: skip
    for value, name, side in (
        (summary["p50_usd"], "half cost no more than", "right"),
        (summary["p95_usd"], "95 % cost no more than", "left"),
    ):
        fig.add_vline(x=float(value), line={"color": look.ink, "width": 1, "dash": "dot"})
        label(
            fig, f"{name}<br><b>{formats.unit_cost(value)}</b>", x=float(value), y=1, yref="paper", xanchor=side, yanchor="bottom",
            xshift=6 if side == "right" else -6, align=side,
        )  # fmt: skip
    if beyond:
        label(
            fig, f"and dearer,<br>up to {formats.unit_cost(summary['dearest_usd'])}", x=float((last + 1) * width), y=0, yshift=22, xanchor="right",
            yanchor="bottom", align="right", font={"color": look.muted, "size": 11},
        )  # fmt: skip
    fig.update_layout(barmode="stack", bargap=0, margin={"t": 46})
    fig.update_xaxes(
        tickprefix=formats.currency().symbol,
        title_text=f"spend on one {said(unit)}",
        range=[0, float((last + 1) * width) * 1.01],
        nticks=10,
    )
    fig.update_yaxes(title_text=f"{said(unit)}s", nticks=5)
    return fig


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
