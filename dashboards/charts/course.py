"""What changed: a workflow's days against their usual range, and the alarms they raised."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import plotly.graph_objects as go

from dashboards import formats, names
from dashboards.charts.template import Palette, figure, label, money_axis, palette, said
from dashboards.queries import Rows

Row = Mapping[str, Any]
_LEVEL = 0.075  #: height of one line of labels above the days, as a share of the picture
_WIDE = {"shock": 0.19, "drift": 0.38}  #: room that an alarm's label takes on a phone, as a share of the width


def course(days: Rows, state: Row, alarms: Rows, unit: str) -> go.Figure:
    """One workflow: days as dots, the usual range as a band, its level as a line, alarms named where they were raised."""
    look = palette()
    fig = figure(430)
    first, last = days[0]["day"], days[-1]["day"]
    banded = [row for row in days if row["low_usd"] is not None]
    top = 1.08 * max(
        [float(row["high_usd"]) for row in banded]
        + sorted(float(r["cost_per_outcome_usd"]) for r in days if r["cost_per_outcome_usd"] is not None)[-4:-3]
        + [1.7 * float(state["level_usd"] or 0)]
        + [float(a["after_usd"]) for a in alarms]
        + [1e-6]
    )
    _periods(fig, days, state, look)
    if banded:
        x = [row["day"] for row in banded]
        fig.add_scatter(
            x=x, y=[float(r["high_usd"]) for r in banded], mode="lines", line={"width": 0}, hoverinfo="skip"
        )
        fig.add_scatter(
            x=x, y=[float(r["low_usd"]) for r in banded], mode="lines", line={"width": 0}, fill="tonexty",
            fillcolor=look.pale(look.accent, 0.16), hoverinfo="skip",
        )  # fmt: skip
        label(
            fig, "usual range", x=x[len(x) // 2], y=min(float(row["low_usd"]) for row in banded), yanchor="top", yshift=-2,
            font={"color": look.accent, "size": 12},
        )  # fmt: skip
    if state["level_usd"] is not None:
        level = float(state["level_usd"])
        fig.add_scatter(
            x=[first, last], y=[level, level], mode="lines", line={"color": look.accent, "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
        )  # fmt: skip
        label(
            fig, f"<b>{formats.unit_cost(state['level_usd'])}</b><br>baseline", x=last, y=level, xanchor="left", xshift=14,
            font={"color": look.accent, "size": 12},
        )  # fmt: skip
    _dots(fig, days, unit, top, look)
    levels = _alarms(fig, alarms, first, last, top, look)
    room = 1 - _LEVEL * (levels + 0.4)
    money_axis(fig, top / room, f"cost of one {said(unit)}")
    fig.update_xaxes(tickformat="%-d %b", nticks=5, range=[_at(first, -18), _at(last, 18)])
    fig.update_layout(margin={"r": 76})
    return fig


def _periods(fig: go.Figure, days: Rows, state: Row, look: Palette) -> None:
    """Which days made the baseline, and which may still change."""
    if state["baseline_last_day"] is not None:
        ends = state["baseline_last_day"]
        fig.add_vline(x=_at(ends, 12), line={"color": look.hairline, "width": 1})
        label(
            fig, f"← {formats.plural(state['baseline_days'], 'day')} of baseline", x=_at(ends, 10), y=0, yanchor="bottom",
            xanchor="right", font={"color": look.muted, "size": 11},
        )  # fmt: skip
    pale = [row["day"] for row in days if row["phase"] == "provisional"]
    if pale:
        fig.add_vrect(
            x0=_at(pale[0], -12), x1=_at(pale[-1], 12), fillcolor=look.hairline, opacity=0.45, line_width=0, layer="below",
        )  # fmt: skip
        label(
            fig, "not yet<br>judged", x=_at(pale[-1], 10), y=0, xanchor="right", yanchor="bottom", align="right",
            font={"color": look.muted, "size": 11},
        )  # fmt: skip


def _dots(fig: go.Figure, days: Rows, unit: str, top: float, look: Palette) -> None:
    """Filled where judged, hollow where provisional or too few outcomes, large and red or green outside the range."""
    for row in days:
        cost = row["cost_per_outcome_usd"]
        if cost is None:
            continue
        outside = row["in_band"] is False
        colour = look.muted if not outside else look.bad if (row["z"] or 0) > 0 else look.accent
        judged = row["phase"] in ("baseline", "watched")
        fig.add_scatter(
            x=[row["day"]], y=[min(float(cost), top)], mode="markers",
            marker={
                "size": 11 if outside else 7, "color": colour if judged else look.paper,
                "line": {"color": colour, "width": 0 if judged else 1.2},
                "symbol": "triangle-up" if float(cost) > top else "circle",
            },
            hovertemplate="%{customdata}<extra></extra>", customdata=[_hover(row, unit)],
        )  # fmt: skip


def _hover(row: Row, unit: str) -> str:
    usual = (
        f"<br>usual: {formats.unit_cost(row['low_usd'])} to {formats.unit_cost(row['high_usd'])}"
        if row["low_usd"] is not None
        else ""
    )
    return (
        f"<b>{formats.day(row['day'])}</b><br>{formats.unit_cost(row['cost_per_outcome_usd'])} per {said(unit)}, "
        f"{formats.plural(row['outcomes'], 'outcome')}{usual}<br>{said(names.human(row['phase']).lower())}"
    )


def _alarms(fig: go.Figure, alarms: Rows, first: date, last: date, top: float, look: Palette) -> int:
    """Each alarm with its size, in as many lines above the days as it takes to keep them apart. Answers the lines."""
    span = max((last - first).days, 1)
    ends: list[float] = []  # where each line is taken up to
    placed: list[tuple[Row, float, int]] = []
    for alarm in sorted(alarms, key=lambda a: (a["detected_day"], a["kind"])):
        at = (alarm["detected_day"] - first).days / span
        wide = _WIDE[alarm["kind"]]
        left = at - (wide if at > 0.6 else 0 if at < 0.4 else wide / 2)
        line = next((n for n, end in enumerate(ends) if left >= end), len(ends))
        ends[line:] = [left + wide, *ends[line + 1 :]]
        placed.append((alarm, at, line))
    room = 1 - _LEVEL * (len(ends) + 0.4)
    for alarm, at, line in placed:
        up = alarm["change"] > 0
        colour = look.bad if up else look.accent
        y = top / room * (room + _LEVEL * (line + 0.2))
        is_open = alarm["status"] == "open"
        if alarm["kind"] == "drift":
            until = alarm["closed_day"] or last
            fig.add_scatter(
                x=[alarm["since_day"], until], y=[float(alarm["after_usd"])] * 2, mode="lines",
                line={"color": colour, "width": 3}, hoverinfo="skip",
            )  # fmt: skip
            if is_open:
                label(
                    fig, f"<b>{formats.unit_cost(alarm['after_usd'])}</b><br>since", x=last, y=float(alarm["after_usd"]),
                    xanchor="left", xshift=14, font={"color": colour, "size": 12},
                )  # fmt: skip
        fig.add_shape(
            type="line", x0=alarm["detected_day"], x1=alarm["detected_day"], y0=float(alarm["after_usd"]), y1=y,
            line={"color": colour, "width": 1, "dash": "dot"},
        )  # fmt: skip
        size = f"{'▲' if up else '▼'} {formats.change(alarm['change'])}"
        words = f"{size} since {formats.day(alarm['since_day'], year=False)}" if alarm["kind"] == "drift" else size
        label(
            fig, f"<b>{words}</b>" if is_open else words, x=alarm["detected_day"], y=y, yanchor="bottom",
            xanchor="right" if at > 0.6 else "left" if at < 0.4 else "center", font={"color": colour, "size": 12},
        )  # fmt: skip
    return len(ends)


def _at(day: date, hours: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(hours=hours)
