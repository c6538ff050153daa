"""Provisioned throughput: a fixed price per period, borne by the requests it served; idle hours by nobody.

Periods run in the reporting zone: an hour costs its price, so that a day costs 23, 24 or 25 of them; a day costs its
price however long it is; a calendar month costs its price, cut into its days by their length. Within a day each hour
costs the same. An hour's price is shared by the charges that it served, by weight, to the last 10^-12 dollar (largest
remainder, ties to the smaller key); an hour that served nothing is idle.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from pipelines.rates.agreements import Provisioned
from pipelines.rates.exchange import Exchange

Key = TypeVar("Key", str, date)
PICO = 10**12
HOUR = 3600


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day of the reporting zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_seconds(day: date, zone: ZoneInfo) -> int:
    """How long a day is: 86,400 but for changes of the clock."""
    return int((day_start(day + timedelta(days=1), zone) - day_start(day, zone)).total_seconds())


def hours(day: date, zone: ZoneInfo) -> list[int]:
    """The seconds of each hour of a day, from its first instant; only a last one may be shorter."""
    whole, rest = divmod(day_seconds(day, zone), HOUR)
    return [HOUR] * whole + [rest] * (rest > 0)


def day_cost(provisioned: Provisioned, day: date, zone: ZoneInfo, fx: Exchange) -> Decimal:
    """What the capacity costs on a day on which it holds, in dollars.

    Raises UsageError where its currency has no exchange rate for the day.
    """
    amount = provisioned.amount
    if provisioned.period == "hour":
        amount = Decimal(round(Fraction(amount) * day_seconds(day, zone) * PICO / HOUR)).scaleb(-12)
    elif provisioned.period == "month":
        amount = _month_cut(amount, day.year, day.month, zone)[day]
    return amount if provisioned.currency == "USD" else fx.dollars(amount, provisioned.currency, day)


@lru_cache(maxsize=1024)
def _month_cut(amount: Decimal, year: int, month: int, zone: ZoneInfo) -> dict[date, Decimal]:
    days = [date(year, month, number + 1) for number in range(monthrange(year, month)[1])]
    return share(amount, {day: day_seconds(day, zone) for day in days})


def spread(cost: Decimal, lengths: Sequence[int], at: Sequence[int], weights: Sequence[int]) -> tuple[list[int], int]:
    """What each charge of a day bears of its cost, and what stood idle, in 10^-12 dollars.

    `lengths`: seconds of the day's hours; `at` and `weights`: each charge's hour, from 0, and weight, the charges in
    the order in which they take what is left over. A charge of weight 0 bears 0. The parts and the idle rest add up to
    the cost.
    """
    members: dict[int, list[int]] = {}
    for number, hour in enumerate(at):
        members.setdefault(hour, []).append(number)
    borne, idle = [0] * len(at), 0
    for hour, price in enumerate(apportion(int(cost.scaleb(12)), lengths)):
        inside = members.get(hour, [])
        mine = [weights[number] for number in inside]
        if not any(mine):
            idle += price
            continue
        for number, part in zip(inside, apportion(price, mine), strict=True):
            borne[number] = part
    return borne, idle


def apportion(units: int, weights: Sequence[int]) -> list[int]:
    """Whole units in proportion to whole weights, not all 0; they add up.

    What is left over goes to the largest remainders, ties to the earlier weight.
    """
    total = sum(weights)
    parts = [units * weight // total for weight in weights]
    short = units - sum(parts)
    if short:
        rests = [units * weight % total for weight in weights]
        for number in sorted(range(len(rests)), key=rests.__getitem__, reverse=True)[:short]:
            parts[number] += 1
    return parts


def share(amount: Decimal, weights: Mapping[Key, int]) -> dict[Key, Decimal]:
    """`amount` in proportion to whole weights, not all 0; ties to the smaller key, the parts add up to it exactly."""
    keys = sorted(weights)
    parts = apportion(int(amount.scaleb(12)), [weights[key] for key in keys])
    return {key: Decimal(part).scaleb(-12) for key, part in zip(keys, parts, strict=True)}


def days(first: date, last: date) -> Iterator[date]:
    """Both ends included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
