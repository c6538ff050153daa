"""Whether using a model less saves money at all: not while a fixed cost is paid anyway."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from fnmatch import fnmatchcase

from pipelines.rates.book import RateBook


def cash_saving_possible(
    book: RateBook, provider: str, model: str, day: date, unmet: Collection[str] | None = None
) -> bool:
    """False where provisioned capacity serves the model that day, or a commitment asks for the spend.

    `unmet`: names of the commitments whose period is not used up (see the mart `commitments`); what is spent above a
    commitment is saved in cash. Without it every commitment in force counts as unmet.
    """
    names = book.names(provider, model, day)
    capacity = (p for p in book.contract.provisioned if p.provider == provider and p.holds(day))
    if any(p.model in names for p in capacity):
        return False
    owed = (c for c in book.contract.commitments if c.provider == provider and c.holds(day))
    return not any(
        (unmet is None or c.name in unmet) and any(fnmatchcase(n, pattern) for n in names for pattern in c.models)
        for c in owed
    )
