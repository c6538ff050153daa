"""Dated exchange rates from the file that `rates.yaml` names: dollars shown in the reporting currency.

A CSV of `day,currency,per_usd`: units of the currency for one US dollar, from that day until the next row of
the currency. Money is stored in dollars; only what people see is converted, and the rate is shown beside it.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from pipelines.workspace.errors import UsageError

COLUMNS = ["day", "currency", "per_usd"]


@dataclass(frozen=True)
class Exchange:
    """Rates by currency, each a list of (first day, units per dollar) in the order of days."""

    rates: Mapping[str, tuple[tuple[date, Decimal], ...]] = field(default_factory=dict)

    def per_usd(self, currency: str, day: date) -> Decimal | None:
        """Units of the currency for one dollar on a day; None before the first rate known."""
        if currency == "USD":
            return Decimal(1)
        known = self.rates.get(currency, ())
        at = bisect_right(known, day, key=lambda row: row[0])
        return known[at - 1][1] if at else None


def read_exchange(path: Path) -> Exchange:
    """Raises UsageError with file, line and what was expected there."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}; expected the file that exchange names") from None
    if not rows or rows[0] != COLUMNS:
        found_header = ",".join(rows[0]) if rows else "nothing"
        raise UsageError(f"{path}: line 1: expected the columns {','.join(COLUMNS)}, found {found_header}")
    found: dict[str, dict[date, Decimal]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        day, currency, rate = _row(path, number, row)
        if day in found.setdefault(currency, {}):
            raise UsageError(f"{path}: line {number}: a second rate for {currency} on {day}: keep one")
        found[currency][day] = rate
    return Exchange({currency: tuple(sorted(days.items())) for currency, days in found.items()})


def _row(path: Path, number: int, row: list[str]) -> tuple[date, str, Decimal]:
    where = f"{path}: line {number}:"
    if len(row) != len(COLUMNS):
        raise UsageError(f"{where} expected {len(COLUMNS)} fields, found {len(row)}")
    day, currency, rate = (cell.strip() for cell in row)
    try:
        first = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"{where} expected a day such as 2026-11-01, found {day!r}") from None
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise UsageError(f"{where} expected a currency such as EUR, found {currency!r}")
    try:
        units = Decimal(rate)
    except InvalidOperation:
        units = Decimal(0)
    if not (units.is_finite() and units > 0):
        raise UsageError(f"{where} expected units per dollar above 0 such as 0.92, found {rate!r}")
    return first, currency, units
