"""How a month's spend adds up against its budget, and where it is going."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go

from dashboards import formats
from dashboards.charts.template import figure, label, money_axis, palette
from dashboards.queries import Rows


def burn_up(days: Rows, budget: Mapping[str, Any]) -> go.Figure:
    """One month: spent as a solid area, the forecast dotted with its 90 % band, the limit as a line, the day it is passed."""
    look = palette()
    fig = figure(400)
    spent = [row for row in days if row["spent_usd"] is not None]
    coming = [row for row in days if row["forecast_usd"] is not None]
    first, last = days[0]["day"], days[-1]["day"]
    limit = budget["budget_usd"]
    colour = look.bad if budget["status"] in ("over", "at risk") else look.accent
    if coming and spent:
        start = spent[-1]
        x = [start["day"], *(row["day"] for row in coming)]
        if coming[-1]["forecast_high_usd"] is not None:
            for end, fill in (("forecast_high_usd", None), ("forecast_low_usd", "tonexty")):
                fig.add_scatter(
                    x=x, y=[float(start["spent_usd"]), *(float(row[end]) for row in coming)], mode="lines", line={"width": 0},
                    fill=fill, fillcolor=look.pale(colour, 0.18), hoverinfo="skip",
                )  # fmt: skip
        fig.add_scatter(
            x=x, y=[float(start["spent_usd"]), *(float(row["forecast_usd"]) for row in coming)], mode="lines",
            line={"color": colour, "width": 2, "dash": "dot"}, hovertemplate="%{customdata}<extra></extra>",
            customdata=[_spent(start), *(_forecast(row) for row in coming)],
        )  # fmt: skip
        above = limit is None or coming[-1]["forecast_usd"] > limit
        label(
            fig, f"<b>{formats.money(coming[-1]['forecast_usd'])}</b><br>forecast", x=last, y=float(coming[-1]["forecast_usd"]),
            xanchor="left", yanchor="bottom" if above else "top", xshift=8, font={"color": colour, "size": 12},
        )  # fmt: skip
    if spent:
        fig.add_scatter(
            x=[row["day"] for row in spent], y=[float(row["spent_usd"]) for row in spent], mode="lines+markers",
            fill="tozeroy", fillcolor=look.pale(look.ink, 0.08), line={"color": look.ink, "width": 2.5}, marker={"size": 4},
            hovertemplate="%{customdata}<extra></extra>", customdata=[_spent(row) for row in spent],
        )  # fmt: skip
        right = budget["final"]
        label(
            fig, f"<b>{formats.money(spent[-1]['spent_usd'])}</b><br>spent", x=spent[-1]["day"], y=float(spent[-1]["spent_usd"]),
            xanchor="left" if right else "right", xshift=8 if right else -6, yshift=0 if right else 16, align="left" if right else "right",
        )  # fmt: skip
    tops = [
        float(row[k]) for row in days for k in ("spent_usd", "forecast_high_usd", "forecast_usd") if row[k] is not None
    ]
    if limit is not None:
        tops.append(float(limit))
        fig.add_hline(y=float(limit), line={"color": look.ink, "width": 1.5})
        label(
            fig, f"budget <b>{formats.money(limit)}</b>", x=first, y=float(limit), xanchor="left", yanchor="bottom", yshift=2,
            font={"color": look.ink, "size": 12},
        )  # fmt: skip
        _run_out(fig, days, budget, limit)
    money_axis(fig, max([*tops, 1e-6]) * 1.12, "spend since the first of the month")
    fig.update_xaxes(tickformat="%-d %b", nticks=6, range=[_at(first, -10), _at(last, 10)])
    fig.update_layout(margin={"r": 84})
    return fig


def _run_out(fig: go.Figure, days: Rows, budget: Mapping[str, Any], limit: Decimal) -> None:
    """The day that ends above the budget, on the limit itself."""
    look, day = palette(), budget["run_out_day"]
    if day is None:
        return
    fig.add_shape(
        type="line", x0=day, x1=day, y0=0, y1=float(limit), line={"color": look.bad, "width": 1.2, "dash": "dash"}
    )
    fig.add_scatter(
        x=[day],
        y=[float(limit)],
        mode="markers",
        marker={"size": 11, "color": look.bad, "symbol": "diamond"},
        hoverinfo="skip",
    )
    spent = any(row["day"] == day and row["spent_usd"] is not None for row in days)
    words = "used up on" if spent else "runs out on"
    late = (day - days[0]["day"]).days > 12
    label(
        fig, f"<b>{words} {formats.day(day, year=False)}</b>", x=day, y=0, yanchor="bottom", yshift=6, xshift=-6 if late else 6,
        xanchor="right" if late else "left", font={"color": look.bad, "size": 12},
    )  # fmt: skip


def _spent(row: Mapping[str, Any]) -> str:
    return f"<b>{formats.day(row['day'])}</b><br>{formats.money(row['spent_usd'])} spent, {formats.money(row['day_usd'])} of it that day"


def _forecast(row: Mapping[str, Any]) -> str:
    band = (
        f" (90 %: {formats.money(row['forecast_low_usd'])} to {formats.money(row['forecast_high_usd'])})"
        if row["forecast_low_usd"] is not None
        else ""
    )
    return f"<b>{formats.day(row['day'])}</b><br>{formats.money(row['forecast_usd'])} forecast{band}"


def _at(day: date, hours: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(hours=hours)
