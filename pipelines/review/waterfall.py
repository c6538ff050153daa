"""The bridge as an inline SVG: floating bars from last week's blended cost per outcome to this week's.

Only the steps are bars; both costs are lines, so that no bar is cut off below. Up is dearer: colour, arrow and sign say so.
"""

from __future__ import annotations

from html import escape

from pipelines.publish import formats
from pipelines.publish.currency import Shown
from pipelines.publish.names import human
from pipelines.review.four_numbers import Cost
from pipelines.review.numbers import FACTOR_NAMES, signed_text

INK, MUTED, HAIRLINE, UP, DOWN = "#1d2327", "#5b6770", "#e2ded4", "#b23a48", "#0b5d4e"
WIDTH, LEFT, RIGHT, ROW, TOP = 760, 104, 210, 30, 30
NAME_LENGTH = 42


def waterfall(cost: Cost, currency: Shown) -> str:
    """SVG text, every name escaped; empty where two weeks can't be compared."""
    if not cost.bridge or cost.blended_before_usd is None or cost.blended_usd is None:
        return ""
    places = [cost.blended_before_usd]
    for factor in cost.bridge:
        places.append(places[-1] + factor.effect_usd)
    low, high = float(min(places)), float(max(places))
    room = (high - low) or 1.0
    plot = WIDTH - LEFT - RIGHT

    def x(value: float) -> float:
        return round(LEFT + 26 + (value - low) / room * (plot - 52), 1)

    height = TOP + ROW * len(cost.bridge) + 6
    before, after = x(float(places[0])), x(float(places[-1]))
    said = f"Blended cost per outcome from {_per(currency, places[0])} to {_per(currency, places[-1])}: " + ", ".join(
        f"{FACTOR_NAMES[factor.factor]} {signed_text(currency, factor.effect_usd)}" for factor in cost.bridge
    )
    first_left = before <= after
    parts = [
        f'<svg class="waterfall" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(said)}" xmlns="http://www.w3.org/2000/svg">',
        *_end(before, height, f"last week {_per(currency, places[0])}", "end" if first_left else "start"),
        *_end(after, height, f"this week {_per(currency, places[-1])}", "start" if first_left else "end"),
    ]
    for number, factor in enumerate(cost.bridge):
        top = TOP + number * ROW
        start, end = x(float(places[number])), x(float(places[number + 1]))
        left, wide = min(start, end), max(abs(end - start), 1.5)
        effect = signed_text(currency, factor.effect_usd)
        colour = UP if effect.startswith("+") else DOWN if effect.startswith(formats.MINUS) else MUTED
        arrow = "▲ " if colour == UP else "▼ " if colour == DOWN else ""
        name = factor.contributors[0].name if factor.contributors and colour != MUTED else ""
        parts += [
            _text(0, top + 19, human(FACTOR_NAMES[factor.factor]), INK, weight=600),
            f'<rect x="{left:.1f}" y="{top + 8}" width="{wide:.1f}" height="14" rx="2" fill="{colour}"/>',
            f'<line x1="{end:.1f}" y1="{top + 22}" x2="{end:.1f}" y2="{top + ROW + 8}" stroke="{MUTED}" stroke-width="0.75"/>'
            if number + 1 < len(cost.bridge)
            else "",
            _text(WIDTH - RIGHT + 6, top + 14, f"{arrow}{effect}", colour, weight=600),
            _text(WIDTH - RIGHT + 6, top + 26, _short(name), MUTED, size=9.5),
        ]
    return "".join([*parts, "</svg>"])


def _end(x: float, height: int, label: str, anchor: str) -> list[str]:
    """A cost as a line over the whole height, named at its top."""
    shift = -4 if anchor == "end" else 4
    return [
        f'<line x1="{x:.1f}" y1="18" x2="{x:.1f}" y2="{height}" stroke="{HAIRLINE}" stroke-width="1.25"/>',
        _text(
            x + (shift if x > 160 or anchor == "start" else 0), 12, label, MUTED, anchor=anchor if x > 160 else "start"
        ),
    ]


def _text(
    x: float, y: float, text: str, colour: str, *, size: float = 12, weight: int = 400, anchor: str = "start"
) -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{colour}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def _per(currency: Shown, usd) -> str:
    return formats.unit_cost(currency(usd))
