"""One home for how a value is written as text: no exponents, ISO days, empty for unknown, formulas defused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

#: what a spreadsheet would take for the start of a formula
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def plain(value: Any) -> str:
    """Text of one cell, not defused. NULL is the empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return str(value)


def defused(value: Any) -> str:
    """Text of one CSV cell: a text that a spreadsheet would run gets a leading apostrophe; numbers stay numbers."""
    text = plain(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text
