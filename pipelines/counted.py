"""How many of a thing, as people read it: `1 document`, `1,231 documents`. Imports nothing, so that every part may say it."""

from __future__ import annotations

from decimal import Decimal

UNKNOWN = "–"
MINUS = "−"


def count(value: int | Decimal | None) -> str:
    """`1,231`; an unknown number is a dash, never 0."""
    if value is None:
        return UNKNOWN
    shown = f"{abs(Decimal(value)):,.0f}"
    return f"{MINUS}{shown}" if value < 0 and shown != "0" else shown


def plural(number: int | Decimal, word: str, many: str | None = None) -> str:
    """`1 document`, `3 documents`."""
    return f"{count(number)} {word if number == 1 else many or word + 's'}"
