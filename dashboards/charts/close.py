"""The month close as pictures: from the bill to the meter by named residuals, and spend by who bears it."""

from __future__ import annotations

from decimal import Decimal

import plotly.graph_objects as go

from dashboards import formats, names
from dashboards.charts.bridge import bar, caption
from dashboards.charts.template import figure, palette, said
from dashboards.months import UNEXPLAINED, Sums
from dashboards.queries import Rows

MOST = 9


def residuals(sums: Sums) -> go.Figure:
    """From what was billed, residual by residual, to what was metered. Ends are lines, not bars: the scale has no zero."""
    look = palette()
    steps = sums.steps
    last = len(steps) + 1
    fig = figure(54 * (last + 1) + 12)
    levels, running = [sums.billed], sums.billed
    for place, (item, effect) in enumerate(steps):
        n = last - 1 - place
        colour = look.bad if item == UNEXPLAINED else look.other
        for level in (running, running + effect):
            levels.append(level)
        fig.add_shape(
            type="line", x0=float(running), x1=float(running), y0=n - 0.2, y1=n + 0.8,
            line={"color": look.hairline, "width": 1}, layer="below",
        )  # fmt: skip
        bar(fig, n, float(running), float(running + effect), colour)
        about = f"  <span style='color:{look.muted};font-size:11px'>{said(names.residual(item)[1])}</span>"
        caption(fig, n, f"{said(names.residual(item)[0])}{about}", signed(effect), colour)
        running += effect
    low, high = float(min([*levels, sums.metered])), float(max([*levels, sums.metered]))
    edge = (high - low) * 0.04 or abs(high) * 0.04 or 1.0
    for n, words, amount in ((last, "Billed", sums.billed), (0, "Metered", sums.metered)):
        fig.add_shape(
            type="line", x0=float(amount), x1=float(amount), y0=n - 0.22, y1=n + 0.16,
            line={"color": look.ink, "width": 4},
        )  # fmt: skip
        caption(fig, n, f"<b>{words}</b>", f"<b>{formats.money(amount)}</b>", look.ink)
    if steps:
        fig.add_shape(
            type="line", x0=float(running), x1=float(running), y0=0.16, y1=0.8,
            line={"color": look.hairline, "width": 1}, layer="below",
        )  # fmt: skip
    # room on the right, so that no line between steps runs through a figure
    fig.update_xaxes(range=[low - edge, high + 5 * edge], visible=False)
    fig.update_yaxes(visible=False, range=[-0.35, last + 0.62])
    return fig


def borne(rows: Rows, human: bool) -> go.Figure:
    """Spend by value of a dimension, most first, with its share; then what carries no value, pale."""
    look = palette()
    listed = [(names.human(r["value"]) if human else r["value"], r["spend_usd"], r["share"], True) for r in rows[:MOST]]
    if rest := rows[MOST:]:
        spend = sum((r["spend_usd"] or Decimal(0) for r in rest), Decimal(0))
        share = sum((r["share"] or Decimal(0) for r in rest), Decimal(0))
        listed.append((f"{len(rest)} others", spend, share, True))
    nobody = rows[0]["unattributed_usd"]
    if nobody:
        listed.append(("Carries no value", nobody, 1 - rows[0]["allocation_rate"], False))
    fig = figure(52 * len(listed) + 12)
    for place, (who, spend, share, named) in enumerate(listed):
        n = len(listed) - 1 - place
        colour = look.accent if named else look.muted
        if spend:
            bar(fig, n, 0.0, float(spend), colour if named else look.pale(look.muted, 0.45))
        fig.add_shape(type="line", x0=0, x1=0, y0=n - 0.22, y1=n + 0.16, line={"color": look.muted, "width": 1})
        part = f"  <span style='color:{look.muted}'>{formats.share(share)}</span>" if share is not None else ""
        caption(fig, n, said(who), f"{formats.money(spend)}{part}", look.ink)
    _from_zero(fig, [float(spend or 0) for _, spend, *_ in listed])
    return fig


def full_costs(rows: Rows) -> go.Figure:
    """Direct costs of each workflow, and behind them, paler, its parts of the shared ones."""
    look = palette()
    fig = figure(52 * len(rows) + 12)
    for place, one in enumerate(rows):
        n = len(rows) - 1 - place
        direct, full = float(one["direct_usd"]), float(one["full_usd"])
        if one["shared_usd"]:
            bar(fig, n, direct, full, look.pale(look.accent, 0.45))
        if one["direct_usd"]:
            bar(fig, n, 0.0, direct, look.accent)
        fig.add_shape(type="line", x0=0, x1=0, y0=n - 0.22, y1=n + 0.16, line={"color": look.muted, "width": 1})
        who = names.human(one["workflow"]) if one["workflow"] else "No workflow has the driver"
        part = f"  <span style='color:{look.muted}'>{formats.money(one['shared_usd'])} shared</span>"
        caption(fig, n, said(who), f"{formats.money(one['full_usd'])}{part}", look.ink)
    _from_zero(fig, [float(one["full_usd"]) for one in rows])
    return fig


def _from_zero(fig: go.Figure, values: list[float]) -> None:
    top = max(values, default=1.0) or 1.0
    fig.update_xaxes(range=[-0.01 * top, top * 1.01], visible=False)
    fig.update_yaxes(visible=False, range=[-0.35, len(values) - 0.3])


def signed(effect: Decimal) -> str:
    """`+$4.20`, `−$25.00`; less than a cent says so."""
    shown = formats.money(effect)
    if not any(c in "123456789" for c in shown):
        shown = formats.unit_cost(effect)
    return shown if effect < 0 else f"+{shown}"
