"""The reporting currency: stored dollars as people see them, and the rate they were converted by.

Everything on one screen is converted by one rate, that of as-of, so that sums and ratios hold; it is shown beside the
figures. Columns named `_usd` stay dollars in every table and export.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from pipelines.rates.contract import read_contract
from pipelines.rates.exchange import Exchange
from pipelines.rates.provisioned import days
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import FILE_NAME, Loaded

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
SCHEMA: dict[str, Any] = {
    "day": pl.Date(), "currency": pl.String(), "rate": pl.Decimal(38, 12), "source": pl.String(), "rate_day": pl.Date(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """How dollars are shown: units of a currency for one dollar, the day of that rate, and where it comes from."""

    currency: str = "USD"
    per_usd: Decimal = Decimal(1)
    rate_day: str | None = None
    lacking: str | None = None  #: the reporting currency, where no rate of it is known and dollars are shown

    @property
    def symbol(self) -> str:
        """What stands before an amount."""
        return SYMBOLS.get(self.currency, f"{self.currency} ")

    @property
    def said(self) -> str:
        """What a heading says of the currency."""
        if self.lacking:
            return f"US dollars (no {self.lacking} rate is known)"
        return "US dollars" if self.currency == "USD" else f"{self.currency} at {self.per_usd} ({self.rate_day})"

    def __call__(self, usd: Decimal | None) -> Decimal | None:
        """Dollars in this currency, unrounded; an unknown amount stays unknown."""
        return usd if usd is None or self.currency == "USD" else usd * self.per_usd

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of a mart with its amounts converted: the columns named `_usd`, but for ratios to a dollar."""
        if self.currency == "USD":
            return dict(row)
        return {
            name: self(value) if isinstance(value, Decimal) and is_money(name) else value for name, value in row.items()
        }


def is_money(column: str) -> bool:
    """Whether a column holds dollars: value per dollar spent is a ratio, the same in every currency."""
    return column.endswith(("_usd", "_usd_month")) and not column.endswith("per_usd")


DOLLARS = Shown()


def shown(meta: Mapping[str, Any]) -> Shown:
    """How a published set shows dollars, from what it says of itself."""
    found = meta.get("exchange")
    if not found:
        return DOLLARS
    if found["rate"] is None:
        return Shown(lacking=found["currency"])
    return Shown(found["currency"], Decimal(found["rate"]), found["rate_day"])


def reporting_exchange(loaded: Loaded) -> Exchange | None:
    """The exchange rates that the reporting currency needs; None for dollars.

    Raises UsageError where no file of rates is named: dollars are never shown as something else.
    """
    currency = loaded.config.reporting.currency
    if currency == "USD":
        return None
    path = loaded.config.rates.contract
    contract = read_contract(loaded.path(path) if path else None)
    if contract.exchange is None:
        raise UsageError(
            f"{loaded.root / FILE_NAME}: reporting.currency: {currency} needs exchange rates: name their file with "
            f"exchange: in {path or 'the file that rates.contract names'}, with the columns day,currency,per_usd"
        )
    return contract.fx


def exchange_version(loaded: Loaded) -> str:
    """Content hash of the rates that dollars are shown by; empty for dollars."""
    fx = reporting_exchange(loaded)
    return "" if fx is None else fx.version([loaded.config.reporting.currency])


def exchange_rates(loaded: Loaded, first: date | None, last: date) -> pl.DataFrame:
    """Grain: one row a day of the ledger, where the reporting currency isn't the dollar.

    `rate`: units of `currency` for one dollar, of `rate_day`; null on a day without one.
    """
    fx, currency = reporting_exchange(loaded), loaded.config.reporting.currency
    rows = []
    if fx is not None:
        for day in days(first or last, last):
            quote = fx.in_force(currency, day)
            rows.append((day, currency, quote and quote.per_usd, quote and quote.source, quote and quote.day))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def exchange_at(loaded: Loaded, day: date) -> dict[str, Any] | None:
    """What `set.json` says: the rate by which screens show dollars; None for dollars, `rate` null where none is known."""
    fx, currency = reporting_exchange(loaded), loaded.config.reporting.currency
    if fx is None:
        return None
    quote = fx.in_force(currency, day)
    found = {"rate": format(quote.per_usd, "f"), "rate_day": str(quote.day), "source": quote.source} if quote else {}
    return {"currency": currency, "rate": None, "rate_day": None, "source": None} | found
