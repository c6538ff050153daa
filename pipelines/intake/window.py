"""Which reporting days of a file have been taken, so that a later run takes the others and counts nothing twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Self


@dataclass(frozen=True)
class Window:
    """Reporting days from `first` to `last`, both included; None is open."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def covers(self, other: Self) -> bool:
        first = self.first is None or (other.first is not None and self.first <= other.first)
        last = self.last is None or (other.last is not None and other.last <= self.last)
        return first and last


def dump(windows: list[Window]) -> str:
    """Text for the ledger's file manifest."""
    return json.dumps([[w.first and w.first.isoformat(), w.last and w.last.isoformat()] for w in windows])


def load(text: str | None) -> list[Window]:
    """The windows that `dump` wrote."""
    return [
        Window(first and date.fromisoformat(first), last and date.fromisoformat(last))
        for first, last in json.loads(text or "[]")
    ]


def outside(window: Window, taken: list[Window], zone: str) -> str | None:
    """SQL for the records of `incoming_requests` that this run doesn't take; None if it takes all."""
    if window == Window() and not taken:
        return None
    day = f"cast(time at time zone '{zone}' as date)"
    return " or ".join([f"not ({_holds(window, day)})", *(_holds(earlier, day) for earlier in taken)])


def _holds(window: Window, day: str) -> str:
    bounds = [f"{day} >= date '{window.first}'"] if window.first else []
    bounds += [f"{day} <= date '{window.last}'"] if window.last else []
    return " and ".join(bounds) or "true"
