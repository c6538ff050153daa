"""What differs between two rate books, rate by rate.

Repricing is never silent: a new book prices new requests, and charged days move only with a full run.
The rates last used are kept as text (`dump`), so that a newer price package can be compared offline.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.rates.blocks import Window
from pipelines.rates.book import Rate


@dataclass(frozen=True, slots=True)
class RateChange:
    """One charge whose unit price differs between two books, from a day on."""

    provider: str
    model: str
    class_: str
    service_tier: str
    region: str
    band_over: int
    window: Window
    valid_from: date | None
    valid_to: date | None
    before: Decimal | None  #: None: the older book had no such rate
    after: Decimal | None  #: None: the newer book has none
    source: str


def changes(before: Iterable[Rate], after: Iterable[Rate]) -> list[RateChange]:
    """The rates that differ, cut so that each row holds over all of its validity.

    Rates of models that only one of the books was compiled for are listed too.
    """
    old, new = _by_key(before), _by_key(after)
    found: list[RateChange] = []
    for key in sorted({*old, *new}, key=repr):
        one, other = old.get(key, []), new.get(key, [])
        days = sorted({d for r in (*one, *other) for d in (r.valid_from, r.valid_to) if d is not None})
        for since, until in zip([None, *days], [*days, None], strict=True):
            was, now = _holding(one, since), _holding(other, since)
            if (was and was.unit_price) == (now and now.unit_price):
                continue
            last = found[-1] if found else None
            change = RateChange(
                *key,
                since,
                until,
                was.unit_price if was else None,
                now.unit_price if now else None,
                (now or was or one[0]).source,
            )
            if last and _same(last, change) and last.valid_to == since:
                change = replace(last, valid_to=until)
                found.pop()
            found.append(change)
    return found


def dump(rates: Iterable[Rate]) -> str:
    """The rates as JSON lines, in a fixed order."""
    lines = [json.dumps(asdict(r), default=str, sort_keys=True) for r in rates]
    return "".join(f"{line}\n" for line in sorted(lines))


def read_dump(text: str) -> Iterator[Rate]:
    for line in text.splitlines():
        row: dict[str, Any] = json.loads(line)
        for name in ("valid_from", "valid_to", "verified_on"):
            row[name] = date.fromisoformat(row[name]) if row[name] else None
        for name in ("list_unit_price", "unit_price"):
            row[name] = None if row[name] is None else Decimal(row[name])
        row["window"] = Window(**row["window"])
        yield Rate(**row)


def _by_key(rates: Iterable[Rate]) -> dict[tuple[Any, ...], list[Rate]]:
    found: dict[tuple[Any, ...], list[Rate]] = {}
    for r in rates:
        key = (r.provider, r.model, r.class_, r.service_tier, r.region, r.band_over, r.window)
        found.setdefault(key, []).append(r)
    return found


def _holding(rates: list[Rate], since: date | None) -> Rate | None:
    at = since or date.min
    return next((r for r in rates if (r.valid_from or date.min) <= at < (r.valid_to or date.max)), None)


def _same(one: RateChange, other: RateChange) -> bool:
    return replace(one, valid_from=None, valid_to=None, source="") == replace(
        other, valid_from=None, valid_to=None, source=""
    )
