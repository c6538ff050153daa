"""Dated exchange rates from the file that `rates.yaml` names.

A CSV of `day,currency,per_usd` and, if one likes, `source`: units of the currency for one US dollar, from that day
until the next row of the currency, at most 31 days (a monthly rate covers its month; an older one is stale). Money
is stored in dollars; prices agreed in another currency are converted by the request's day (UTC), and what people see
in the reporting currency has its rate shown beside it. A day without a rate is never converted.
"""

from __future__ import annotations

import csv
import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path

from pipelines.workspace.errors import UsageError

COLUMNS = ["day", "currency", "per_usd"]
#: For so many days, its own included, a rate holds unless a newer one comes.
HOLDS_DAYS = 31
PICO_USD = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Quote:
    """One rate: units of a currency for one dollar, from a day on."""

    day: date
    per_usd: Decimal
    source: str


@dataclass(frozen=True)
class Exchange:
    """Quotes by currency, in the order of days."""

    quotes: Mapping[str, tuple[Quote, ...]] = field(default_factory=dict)
    name: str = "no exchange file"

    def in_force(self, currency: str, day: date) -> Quote | None:
        """The latest quote of the currency up to a day; None where there is none of the last 31 days."""
        known = self.quotes.get(currency, ())
        at = bisect_right(known, day, key=lambda quote: quote.day)
        quote = known[at - 1] if at else None
        return quote if quote and (day - quote.day).days < HOLDS_DAYS else None

    def per_usd(self, currency: str, day: date) -> Decimal | None:
        """Units of the currency for one dollar on a day; None where no rate is known for it."""
        if currency == "USD":
            return Decimal(1)
        quote = self.in_force(currency, day)
        return None if quote is None else quote.per_usd

    def dollars(self, amount: Decimal, currency: str, day: date) -> Decimal:
        """An amount in dollars of a day, to 12 places. Raises UsageError where no rate is known for the day."""
        rate = self.per_usd(currency, day)
        if rate is None:
            raise UsageError(f"{self.name}: {lacking(currency, day)}")
        return (amount / rate).quantize(PICO_USD, ROUND_HALF_EVEN)

    def stretches(self, currency: str) -> Iterable[tuple[date, date, Quote]]:
        """(first day, first day after, quote): when each quote is in force."""
        known = self.quotes.get(currency, ())
        for i, quote in enumerate(known):
            stale = quote.day + timedelta(days=HOLDS_DAYS)
            yield quote.day, min(stale, known[i + 1].day) if i + 1 < len(known) else stale, quote

    def version(self, currencies: Iterable[str]) -> str:
        """Content hash of the quotes of some currencies; empty where there are none."""
        rows = [(c, q) for c in sorted(set(currencies)) for q in self.quotes.get(c, ())]
        return hashlib.sha256(repr(rows).encode()).hexdigest()[:16] if rows else ""


NO_EXCHANGE = Exchange()


def lacking(currency: str, day: date) -> str:
    """What to say of a day without a rate."""
    return (
        f"no {currency} rate for {day} nor for the {HOLDS_DAYS - 1} days before it: "
        f"add the line {day},{currency},<units of {currency} for one dollar>"
    )


def read_exchange(path: Path) -> Exchange:
    """Raises UsageError with file, line and what was expected there."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: can't be read: {error}; expected the file that exchange names") from None
    if not rows or rows[0] not in (COLUMNS, [*COLUMNS, "source"]):
        found_header = ",".join(rows[0]) if rows else "nothing"
        raise UsageError(f"{path}: line 1: expected the columns {','.join(COLUMNS)}, found {found_header}")
    found: dict[str, dict[date, Quote]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        currency, quote = _row(path, number, row, len(rows[0]))
        if quote.day in found.setdefault(currency, {}):
            raise UsageError(f"{path}: line {number}: a second rate for {currency} on {quote.day}: keep one")
        found[currency][quote.day] = quote
    quotes = {c: tuple(sorted(days.values(), key=lambda q: q.day)) for c, days in found.items()}
    return Exchange(quotes, str(path))


def _row(path: Path, number: int, row: list[str], width: int) -> tuple[str, Quote]:
    where = f"{path}: line {number}:"
    if len(row) != width:
        raise UsageError(f"{where} expected {width} fields, found {len(row)}")
    day, currency, rate, *source = (cell.strip() for cell in row)
    try:
        first = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"{where} expected a day such as 2026-11-01, found {day!r}") from None
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise UsageError(f"{where} expected a currency such as EUR, found {currency!r}")
    try:
        units = Decimal(rate)
    except InvalidOperation:
        units = Decimal(0)
    if not (units.is_finite() and units > 0):
        raise UsageError(f"{where} expected units per dollar above 0 such as 0.92, found {rate!r}")
    if currency == "USD" and units != 1:
        raise UsageError(f"{where} expected 1 for USD, found {rate!r}")
    return currency, Quote(first, units, source[0] if source and source[0] else path.name)
