"""What an export is: its columns, in their order, the order of its rows, and the period that they lie in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Export:
    """One table as users get it. `period` is the SQL for a row's day, None where the table has no period.

    `months`: rows are whole months, and `period` is the first day; `--from` and `--to` then have to name whole months.
    """

    name: str
    columns: tuple[str, ...]
    order: str
    period: str | None = None
    segment: bool = False
    months: bool = False


def columns(text: str) -> tuple[str, ...]:
    """Names of columns, written one after the other."""
    return tuple(text.replace(",", " ").split())
