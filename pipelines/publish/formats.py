"""The one home for how a number, a day or a text looks: on a screen, in the review, in a message.

Money stays a Decimal until it becomes text here, in the currency that the shown set says (`show_in`); amounts of marts
are converted where they are read (queries.py). Spend has 2 decimals, cost per outcome 4 significant digits, shares
are whole percents, tokens are compact; an unknown value is a dash, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

from pipelines.counted import MINUS as MINUS
from pipelines.counted import UNKNOWN as UNKNOWN
from pipelines.counted import count as count
from pipelines.counted import plural as plural
from pipelines.publish.currency import DOLLARS, Shown

#: The currency of this run of a page or verb.
_CURRENCY: ContextVar[Shown] = ContextVar("currency", default=DOLLARS)
NBSP = "\u00a0"
_FOUR = Context(prec=4, rounding=ROUND_HALF_EVEN)
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:&-])")


def show_in(currency: Shown) -> None:
    """Amounts from here on are of this currency."""
    _CURRENCY.set(currency)


def currency() -> Shown:
    return _CURRENCY.get()


def in_currency(text: str) -> str:
    """A title or tick that says `$`, in the currency shown."""
    return text.replace("$", currency().symbol.strip())


def money(value: Decimal | None, *, sign: bool = True) -> str:
    """`$1,234.56`, without the sign of the currency where the heading names it."""
    if value is None:
        return UNKNOWN
    return _signed(Decimal(value), lambda v: (currency().symbol if sign else "") + f"{_rounded(v, 2):,.2f}")


def brief_money(value: Decimal | None) -> str:
    """`$812.40`, `$1,557`, `$1.24M`: an amount where a phone has room for eight characters."""
    if value is None or abs(value) < 1000:
        return money(value)
    million = Decimal(10**6)

    def text(v: Decimal) -> str:
        return f"{_rounded(v / million, 2):f}M" if v >= million else f"{_rounded(v, 0):,.0f}"

    return _signed(Decimal(value), lambda v: currency().symbol + text(v))


def unit_cost(value: Decimal | None, *, sign: bool = True) -> str:
    """`$0.02806`, `$1.555`, `$1,235`: 4 significant digits."""
    if value is None:
        return UNKNOWN

    def text(v: Decimal) -> str:
        if v == 0:
            return "0"
        short = _FOUR.plus(v)
        places = max(0, 3 - short.adjusted())
        return f"{_rounded(short, places):,.{places}f}"

    return _signed(Decimal(value), lambda v: (currency().symbol if sign else "") + text(v))


def share(value: Decimal | float | None) -> str:
    """`39 %`; what rounds to nothing or to everything but isn't says so."""
    if value is None:
        return UNKNOWN
    exact = Decimal(str(value)) * 100
    whole = int(_rounded(exact, 0))
    if whole == 0 and exact > 0:
        return f"<1{NBSP}%"
    if whole == 100 and exact < 100:
        return f">99{NBSP}%"
    return f"{MINUS if whole < 0 else ''}{abs(whole)}{NBSP}%"


def change(value: Decimal | float | None) -> str:
    """`+12 %`, `−3 %`, `0 %`."""
    if value is None:
        return UNKNOWN
    whole = int(_rounded(Decimal(str(value)) * 100, 0))
    return f"{'+' if whole > 0 else MINUS if whole < 0 else ''}{abs(whole)}{NBSP}%"


def interval(low: Decimal | float | None, high: Decimal | float | None) -> str:
    """`87–91 %`; with a decimal where whole percents would hide that it is one: `88.7–88.9 %`."""
    if low is None or high is None:
        return UNKNOWN
    ends = [Decimal(str(v)) * 100 for v in (low, high)]
    places = 0 if _rounded(ends[0], 0) != _rounded(ends[1], 0) else 1
    left, right = (_signed(v, lambda x: f"{_rounded(x, places):f}") for v in ends)
    if left == right:
        return f"{left}{NBSP}%"
    return f"{left}{' to ' if MINUS in right else '–'}{right}{NBSP}%"


def tokens(value: int | None) -> str:
    """`1.2M`, `395k`, `812`."""
    if value is None:
        return UNKNOWN
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            part = Decimal(value) / size
            return f"{_rounded(part, 1 if part < 100 else 0):f}{letter}"
    return f"{value}"


def rate(value: Decimal | None) -> str:
    """A unit price as people quote it: dollars for a million tokens."""
    if value is None:
        return UNKNOWN
    million = _rounded(Decimal(value) * 1_000_000, 4)
    places = max(2, -int(million.normalize().as_tuple().exponent))
    return f"{million:,.{places}f}"


def seconds(milliseconds: int | None) -> str:
    return UNKNOWN if milliseconds is None else f"{_rounded(Decimal(milliseconds) / 1000, 1)}"


def day(value: date | None, *, year: bool = True) -> str:
    """`8 Nov 2026`."""
    if value is None:
        return UNKNOWN
    return f"{value.day}{NBSP}{value:%b}" + (f"{NBSP}{value.year}" if year else "")


def period(first: date, last: date) -> str:
    """`12 Oct – 8 Nov 2026`, both days included."""
    if first == last:
        return day(last)
    return f"{day(first, year=first.year != last.year)} – {day(last)}"


def clock(value: datetime | None, zone: str) -> str:
    """`22 Nov 2026, 00:19`, in the reporting zone."""
    if value is None:
        return UNKNOWN
    local = value.astimezone(ZoneInfo(zone))
    return f"{day(local.date())}, {local:%H:%M}"


def moment(value: datetime | None, zone: str) -> str:
    """`8 Nov, 13:34:45`: for requests in time order."""
    if value is None:
        return UNKNOWN
    local = value.astimezone(ZoneInfo(zone))
    return f"{day(local.date(), year=False)}, {local:%H:%M:%S}"


def listing(items: Iterable[str], *, conjunction: str = "and") -> str:
    """`a, b and c`."""
    parts = list(items)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {conjunction} {parts[-1]}" if parts else ""


def plain(text: str) -> str:
    """Any text, made safe for a Markdown element: it shows as it is, whatever it holds."""
    return _MARKUP.sub(r"\\\1", text)


def unplain(text: str) -> str:
    """What a reader sees of a text made by `plain`."""
    return re.sub(r"\\([\\`*_{}\[\]()<>#+!|~$:&-])", r"\1", text)


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def _signed(value: Decimal, text) -> str:
    shown = text(abs(value))
    return f"{MINUS}{shown}" if value < 0 and any(c in "123456789" for c in shown) else shown
