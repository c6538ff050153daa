"""What two sources seem to have recorded twice: amounts that a surplus of the ledger may be explained by, once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pipelines.close.pairs import Spot


def overlapping(rows: Iterable[Mapping[str, Any]], provider: str) -> dict[tuple[date, str], int]:
    """(day, canonical model) -> up to how much of the provider's spend may stand in the ledger twice."""
    found: dict[tuple[date, str], int] = defaultdict(int)
    for row in rows:
        if row["size"] is not None and row["subject"].startswith(f"{provider}/"):
            found[row["day"], row["subject"]] += int(row["size"].scaleb(12))
    return dict(found)


class Doubles:
    """Suspicions of one window of days, used up as they explain something."""

    def __init__(self, suspected: Mapping[tuple[date, str], int], first: date, last: date) -> None:
        self._left = {key: amount for key, amount in sorted(suspected.items()) if first <= key[0] <= last}

    def at(self, spot: Spot) -> int:
        return sum(amount for key, amount in self._left.items() if _meant(spot, *key))

    def use_up(self, spot: Spot, amount: int) -> None:
        for key, left in self._left.items():
            if amount > 0 and _meant(spot, *key):
                part = min(amount, left)
                self._left[key] = left - part
                amount -= part


def _meant(spot: Spot, day: date, model: str) -> bool:
    return spot.day in (None, day) and spot.model in ("", model)
