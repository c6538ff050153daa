"""What a model would have cost in a week in which a workflow didn't use it: its rate-book price, never 0.

What was paid per unit in the week of use (tiers, context bands and rounding included) is carried to the other week day by
day: each day's spend is multiplied by the rate of the same weekday in the other week over the rate of its own day. Where
the rates of both weeks are the same, or no rate is known (recorded costs), the price is the one that was paid.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import duckdb

from pipelines.change.bridge_weeks import Week
from pipelines.ledger.build import rate_book
from pipelines.rates.book import RateBook
from pipelines.workspace.load import Loaded

_CLASS = {"reasoning": ("reasoning", "output")}


class AbsentPrices:
    """Prices of absent models; the rate book is compiled only when one is asked for."""

    def __init__(self, con: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
        self._con, self._loaded = con, loaded
        self._book: RateBook | None = None
        self._known: dict[tuple[str, str, date], Decimal | None] = {}

    def __call__(self, used: Week, unused: Week, model: str, token_class: str, paid: Fraction) -> Fraction:
        shift = unused.monday - used.monday
        days = [used.monday + timedelta(days=n) for n in range(7)]
        rates = {day: (self.rate(model, token_class, day), self.rate(model, token_class, day + shift)) for day in days}
        if any(own is None or other is None or not own for own, other in rates.values()):
            return paid
        if all(own == other for own, other in rates.values()):
            return paid
        rows = self._con.execute(
            "select day, sum(quantity), sum(amount_usd) from bridge_cells where workflow = $workflow and model = $model "
            "and token_class = $class and day between $first and $last group by day",
            {"workflow": used.workflow, "model": model, "class": token_class, "first": days[0], "last": days[-1]},
        ).fetchall()
        quantity = sum(int(row[1]) for row in rows)
        spend = sum(
            (Fraction(amount) * Fraction(rates[day][1] or 0) / Fraction(rates[day][0] or 1) for day, _, amount in rows),
            Fraction(0),
        )
        return spend / quantity

    def rate(self, model: str, token_class: str, day: date) -> Decimal | None:
        """Contracted dollars per unit at the standard tier and region in the lowest context band; None if unknown."""
        key = (model, token_class, day)
        if key not in self._known:
            self._known[key] = self._looked_up(*key)
        return self._known[key]

    def _looked_up(self, model: str, token_class: str, day: date) -> Decimal | None:
        provider, _, name = model.partition("/")
        book = self._book = (self._book or rate_book(self._con, self._loaded)).including([(provider, name)])
        blocks = [
            block
            for block in book.blocks.get((provider, name), ())
            if (block.valid_from is None or block.valid_from <= day)
            and (block.valid_to is None or day < block.valid_to)
            and block.tier == "standard"
        ]
        blocks.sort(key=lambda block: (block.region != "", block.region, block.window.start, block.window.first))
        for block in blocks[:1]:
            for name in _CLASS.get(token_class, (token_class,)):
                if name in block.contracted:
                    return block.contracted[name].bands[0][1]
        return None
