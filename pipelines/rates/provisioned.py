"""Provisioned throughput: a fixed price per period, borne by the requests it served; idle hours by nobody.

Each hour of a period costs the same. An hour's price is shared by its requests in proportion to their tokens,
to the last 10^-12 dollar (largest remainder, ties to the smaller key); an hour without a request is idle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from pipelines.rates.contract import Provisioned

Key = TypeVar("Key", str, datetime)
PICO = 10**12
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourCost:
    """What one hour of a provisioned deployment cost; hours of a period add up to its price."""

    name: str
    hour: datetime
    cost_usd: Decimal


def hour_costs(provisioned: Provisioned, first: date, last: date) -> Iterator[HourCost]:
    """The hours from `first` to `last`, both included, in UTC, while the contract holds."""
    for start, end in _periods(provisioned, first, last):
        hours = int((end - start) / HOUR)
        shares = share(provisioned.cost_usd, {start + HOUR * i: 1 for i in range(hours)})
        for hour, cost in shares.items():
            if first <= hour.date() <= last and provisioned.holds(hour.date()):
                yield HourCost(provisioned.name, hour, cost)


def spread(
    costs: Iterable[HourCost], served: Mapping[datetime, Mapping[str, int]]
) -> tuple[dict[str, Decimal], Decimal]:
    """What each request bears, and what stood idle. `served`: hour (UTC) -> request key -> tokens."""
    borne: dict[str, Decimal] = {}
    idle = Decimal(0)
    for cost in costs:
        tokens = {key: count for key, count in served.get(cost.hour, {}).items() if count > 0}
        if not tokens:
            idle += cost.cost_usd
        for key, part in share(cost.cost_usd, tokens).items():
            borne[key] = borne.get(key, Decimal(0)) + part
    return borne, idle


def share(amount: Decimal, weights: Mapping[Key, int]) -> dict[Key, Decimal]:
    """`amount` in proportion to whole weights; the parts add up to it exactly."""
    total = sum(weights.values())
    units = int(amount * PICO)
    exact = {key: Fraction(units * weight, total) for key, weight in weights.items()}
    floors = {key: int(part) for key, part in exact.items()}
    short = units - sum(floors.values())
    for key in sorted(exact, key=lambda k: (floors[k] - exact[k], k))[:short]:
        floors[key] += 1
    return {key: Decimal(part) / PICO for key, part in floors.items()}


def _periods(provisioned: Provisioned, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    day = first.replace(day=1) if provisioned.period == "month" else first
    while day <= last:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if provisioned.period == "month":
            after = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
            yield start, datetime(after.year, after.month, 1, tzinfo=UTC)
        else:
            after = day + timedelta(days=1)
            if provisioned.period == "day":
                yield start, start + timedelta(days=1)
            else:
                yield from ((start + HOUR * i, start + HOUR * (i + 1)) for i in range(24))
        day = after
