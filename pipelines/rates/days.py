"""Validity in whole UTC days: what `from`, `until`, `valid_from` and `valid_to` take, and what they refuse."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator


def _whole_day(value: object) -> object:
    """Prices hold over whole UTC days; an hour of the day is said by a window, on every day of the block."""
    text = value.isoformat() if isinstance(value, datetime) else value
    if isinstance(value, datetime) or (isinstance(text, str) and len(text.strip()) > 10):
        raise ValueError(
            f"expected a UTC day such as 2026-10-01, found an instant, {text}: a rate holds from 00:00 UTC of its first "
            "day. For a change inside a day write the day that most of its requests are priced by, or, in the overlay, "
            "two blocks of that one day with windows"
        )
    return value


#: A day on which a rate begins or ends, 00:00 UTC.
UtcDay = Annotated[date, BeforeValidator(_whole_day)]
