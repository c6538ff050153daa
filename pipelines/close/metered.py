"""The ledger's side of the comparison: cells by UTC day, as providers bill; totals by reporting day; usage reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb

from pipelines.close.lines import PICO, family
from pipelines.rates.classes import TOKEN_CLASSES
from pipelines.storage.models import sql

CAPACITY, RECORDED, FEES = "capacity", "recorded", "fees"


@dataclass(slots=True)
class Held:
    """What the ledger holds of a cell; `usd` in 10^-12 dollars."""

    usd: int = 0
    tokens: int = 0
    unpriced: int = 0
    recorded: int = 0  #: tokens of requests that have only the sender's figure
    requests: int = 0
    prices: set[Fraction] = field(default_factory=set)

    def take(self, other: Held) -> None:
        self.usd += other.usd
        self.tokens += other.tokens
        self.unpriced += other.unpriced
        self.recorded += other.recorded
        self.requests += other.requests
        self.prices |= other.prices


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell of the ledger lies. `token_class`: a token class, or `capacity`, `recorded`, `fees`."""

    day: date
    account: str
    model: str
    tier: str
    token_class: str


@dataclass
class Metered:
    """The ledger, per provider."""

    cells: dict[str, dict[Place, Held]]
    days: dict[str, list[tuple[date, date, str, int, int]]]  #: reporting day, UTC day, account, all of it, fixed costs
    reports: dict[str, dict[Place, int]]  #: tokens as the provider's usage report says
    elsewhere: dict[str, dict[tuple[date, str, str], int]] = field(default_factory=dict)
    #: (UTC day, account, canonical model) -> what a customer's own keys cost there, billed by their providers

    @property
    def providers(self) -> list[str]:
        return sorted(self.days)

    def accounts(self, provider: str) -> frozenset[str]:
        return frozenset(account for _, _, account, _, _ in self.days.get(provider, ()) if account)


def read_metered(con: duckdb.DuckDBPyConnection, canonical: Callable[[str, str], str]) -> Metered:
    """All days of the ledger, from the tables that `work_out` keeps; cells only of providers that have a bill."""
    cells: dict[str, dict[Place, Held]] = defaultdict(dict)
    for row in _rows(con, "metered_cells"):
        sku = row["class"]
        counted = sku in ("input", "cache_read", "cache_write", "cache_write_long", "output")
        named = sku if counted or sku in (CAPACITY, RECORDED) else family(sku) if sku in TOKEN_CLASSES else FEES
        # tokens above a context band stand in their class's own row: only their charge is added
        tokens = row["tokens"] if named != FEES and not sku.endswith("_excess") else 0
        prices = {Fraction(p) * PICO for p in (row["low"], row["high"]) if p is not None and named != FEES}
        found = Held(
            int(row["usd"].scaleb(12)), tokens, row["unpriced_tokens"], row["recorded_tokens"], row["requests"], prices
        )
        place = Place(row["utc_day"], row["account"], row["model"] or "", row["tier"], named)
        cells[row["provider"]].setdefault(place, Held()).take(found)
    days: dict[str, list[tuple[date, date, str, int, int]]] = defaultdict(list)
    for row in _rows(con, "metered_days"):
        days[row["provider"]].append(
            (row["day"], row["utc_day"], row["account"], _pico(row["usd"]), _pico(row["standing_usd"]))
        )
    reports: dict[str, dict[Place, int]] = defaultdict(dict)
    for row in _rows(con, "reported_tokens"):
        model = canonical(row["provider"], row["model"])
        place = Place(row["day"], row["account"], model, row["tier"], row["class"])
        reports[row["provider"]][place] = reports[row["provider"]].get(place, 0) + row["tokens"]
    elsewhere: dict[str, dict[tuple[date, str, str], int]] = defaultdict(lambda: defaultdict(int))
    for row in _rows(con, "billed_elsewhere"):
        model = canonical(row["provider"], row["model"])
        elsewhere[row["provider"]][row["day"], row["account"], model] += _pico(row["usd"])
    return Metered(cells, days, reports, elsewhere)


def summed(parts: Iterable[Held]) -> Held:
    total = Held()
    for part in parts:
        total.take(part)
    return total


def _pico(amount: Decimal) -> int:
    return int(amount.scaleb(12))


def _rows(con: duckdb.DuckDBPyConnection, model: str) -> list[dict[str, Any]]:
    return con.sql(sql(f"close/{model}")).pl().to_dicts()
