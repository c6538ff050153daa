"""The bridge from one week to the next as pictures: by factor, and by who moved it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import plotly.graph_objects as go

from dashboards import formats, names
from dashboards.charts.template import Palette, figure, label, palette, said
from dashboards.queries import Rows


def waterfall(factors: Rows, before: Decimal, after: Decimal, then: str, now: str) -> go.Figure:
    """From last week's cost per outcome to this week's, factor by factor. Ends are lines, not bars: the scale has no zero."""
    look = palette()
    fig = figure(52 * (len(factors) + 2) + 12)
    running, steps = before, []
    places = decimals(row["effect_usd"] for row in factors)
    for row in factors:
        steps.append((names.factor(row["factor"]), running, running + row["effect_usd"], row["effect_usd"]))
        running += row["effect_usd"]
    levels = [float(v) for _, a, b, _ in steps for v in (a, b)] + [float(before), float(after)]
    low, high = min(levels), max(levels)
    edge = (high - low) * 0.04 or abs(high) * 0.04 or 1.0
    last = len(steps) + 1
    for n, (words, cost) in ((last, (then, before)), (0, (now, after))):
        fig.add_shape(
            type="line", x0=float(cost), x1=float(cost), y0=n - 0.22, y1=n + 0.16, line={"color": look.ink, "width": 4}
        )
        caption(fig, n, f"<b>{said(words)}</b>", f"<b>{formats.unit_cost(cost)}</b>", look.ink)
    for place, (words, start, end, effect) in enumerate(steps):
        n = last - 1 - place
        fig.add_shape(
            type="line", x0=float(start), x1=float(start), y0=n - 0.2, y1=n + 0.8, line={"color": look.hairline, "width": 1},
            layer="below",
        )  # fmt: skip
        bar(fig, n, float(start), float(end), _colour(effect, look))
        caption(fig, n, words, direction(effect, places), _colour(effect, look))
    fig.add_shape(
        type="line",
        x0=float(after),
        x1=float(after),
        y0=0.16,
        y1=0.8,
        line={"color": look.hairline, "width": 1},
        layer="below",
    )
    fig.update_xaxes(range=[low - edge, high + edge], visible=False)
    fig.update_yaxes(visible=False, range=[-0.35, last + 0.62])
    return fig


def parts(rows: Rows, rest: Decimal | None = None, rest_said: str = "") -> go.Figure:
    """The largest contributors by name, as bars from one zero line; `rest` is what all others add up to."""
    look = palette()
    listed = [
        (row["who"], ", ".join(filter(None, (names.factor(row["factor"]), row["what"]))), row["effect_usd"])
        for row in rows
    ]
    if rest is not None:
        listed.append((rest_said, "", rest))
    fig = figure(66 * len(listed) + 12)
    places = decimals(effect for *_, effect in listed)
    for place, (who, what, effect) in enumerate(listed):
        n = len(listed) - 1 - place
        bar(fig, n, 0.0, float(effect), _colour(effect, look), 0.16)
        fig.add_shape(type="line", x0=0, x1=0, y0=n - 0.22, y1=n + 0.16, line={"color": look.muted, "width": 1})
        about = f"<br><span style='color:{look.muted};font-size:11px'>{said(what)}</span>" if what else ""
        caption(fig, n, f"{said(_short(who))}{about}", direction(effect, places), _colour(effect, look))
    values = [float(effect) for *_, effect in listed]
    span = (max([*values, 0.0]) - min([*values, 0.0])) or 1.0
    fig.update_xaxes(range=[min([*values, 0.0]) - 0.02 * span, max([*values, 0.0]) + 0.02 * span], visible=False)
    fig.update_yaxes(visible=False, range=[-0.35, len(listed) - 0.3])
    return fig


def _short(words: str) -> str:
    """A name that leaves room for its figure on a phone; the table below holds it whole."""
    return words if len(words) <= 36 else f"{words[:35].rstrip(' ,')}…"


def decimals(effects: Iterable[Decimal]) -> int:
    """As many decimals for all figures of a picture as the largest needs for three digits: they stand under each other."""
    largest = max((abs(effect) for effect in effects), default=Decimal(0))
    return 2 if largest == 0 else min(8, max(2, 2 - largest.adjusted()))


def direction(effect: Decimal, places: int | None = None) -> str:
    """`▲ +$0.0182`, `▼ −$0.0060`, `no change`: an arrow, a sign and a colour say the same. Without `places`: 4 digits."""
    shown = (
        formats.unit_cost(abs(effect)) if places is None else f"{formats.currency().symbol}{abs(effect):,.{places}f}"
    )
    if effect == 0 or (places is None and not any(c in "123456789" for c in shown)):
        return "no change"
    if not any(c in "123456789" for c in shown):
        shown = f"&lt;{formats.NBSP}{formats.currency().symbol}{Decimal(1).scaleb(-(places or 0)):f}"
    return f"▲{formats.NBSP}+{shown}" if effect > 0 else f"▼{formats.NBSP}{formats.MINUS}{shown}"


def _colour(effect: Decimal, look: Palette) -> str:
    return look.bad if effect > 0 else look.accent if effect < 0 else look.muted


def bar(fig: go.Figure, n: int, start: float, end: float, colour: str, below: float = 0.22) -> None:
    fig.add_shape(
        type="rect", x0=min(start, end), x1=max(start, end), y0=n - below, y1=n + 0.16, fillcolor=colour,
        line={"color": colour, "width": 1},
    )  # fmt: skip


def caption(fig: go.Figure, n: int, name: str, value: str, colour: str) -> None:
    """What stands above a bar: its name on the left, its figure on the right."""
    look = palette()
    for words, side, ink in ((name, "left", look.ink), (value, "right", colour)):
        label(
            fig, words, x=0 if side == "left" else 1, xref="paper", xanchor=side, align=side, y=n + 0.17, yanchor="bottom",
            font={"color": ink, "size": 13},
        )  # fmt: skip
