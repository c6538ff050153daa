"""What a contract makes of list prices, and of fixed costs: negotiated rates, discounts, capacity, commitments.

A second reading of the definitions, in fractions. Dates of unit prices are days in UTC, those of fixed costs days of
the reporting zone.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

from tests.reference.choosing import Counted
from tests.reference.shapes import World, half_even

Name = Callable[[str, str], str]


@dataclass(frozen=True)
class Standing:
    """A fixed cost, or what is left of it, that no request bears."""

    day: date
    provider: str
    model: str
    sku: str
    name: str
    reason: str
    amount: Fraction


def holds(entry: dict[str, Any], day: date) -> bool:
    since, until = entry.get("valid_from"), entry.get("valid_to")
    return (since is None or since <= day) and (until is None or day < until)


def contracted(
    world: World, name: Name, provider: str, model: str, token_class: str, tier: str, time: datetime,
    listed: Fraction | None,
) -> Fraction | None:  # fmt: skip
    """The unit price that the company has agreed: a negotiated one, else the list's less the closest discount."""
    day, names = time.astimezone(UTC).date(), {model, name(provider, model)}
    for rate in world.contract.get("rates", []):
        same = (rate["provider"], rate["class"], rate.get("service_tier", "standard")) == (provider, token_class, tier)
        if same and rate["model"] in names and holds(rate, day):
            return Fraction(rate["usd_per_million"]) / 10**6
    if listed is None:
        return None
    off = [
        d for d in world.contract.get("discounts", [])
        if d["provider"] == provider and holds(d, day) and any(fnmatchcase(n, d.get("model", "*")) for n in names)
    ]  # fmt: skip
    if not off:
        return listed
    closest = max(off, key=lambda d: (d.get("model", "*") != "*", len(d.get("model", "*"))))
    return half_even(listed * (1 - Fraction(closest["percent"]) / 100), 15)


def capacity_of(world: World, name: Name, call: Counted) -> dict[str, Any] | None:
    """The provisioned capacity that served a call: that of its very model name before that of its canonical one."""
    report = call.report
    if report.tier != "standard":
        return None
    fitting = [
        p for p in world.contract.get("provisioned", [])
        if p["provider"] == report.provider and holds(p, call.day)
        and p["model"] in (report.model, name(report.provider, report.model))
    ]  # fmt: skip
    return min(fitting, key=lambda p: (p["model"] != report.model, p["name"])) if fitting else None


def start(world: World, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=world.zone).astimezone(UTC)


def seconds(world: World, day: date) -> int:
    return int((start(world, day + timedelta(days=1)) - start(world, day)).total_seconds())


def cost_of_day(world: World, capacity: dict[str, Any], day: date) -> Fraction:
    """A period's price, cut into days: hours count, days are days, a month is cut by its days' lengths."""
    amount = Fraction(capacity["cost_usd"])
    if capacity["period"] == "day":
        return amount
    if capacity["period"] == "hour":
        return half_even(amount * seconds(world, day) / 3600)
    days = [day.replace(day=n + 1) for n in range(monthrange(day.year, day.month)[1])]
    return apportion(amount, {d: Fraction(seconds(world, d)) for d in days})[day]


def cost_of_hours(world: World, capacity: dict[str, Any], day: date) -> dict[int, Fraction]:
    """The day's cost, the same for each hour; a last, shorter one has its part."""
    left, lengths = seconds(world, day), {}
    while left > 0:
        lengths[len(lengths)] = Fraction(min(left, 3600))
        left -= 3600
    return apportion(cost_of_day(world, capacity, day), lengths)


def apportion(amount: Fraction, weights: dict[Any, Fraction]) -> dict[Any, Fraction]:
    """Largest remainder at 12 places, ties to the smaller key; weights don't sum to 0."""
    whole, total = amount * 10**12, sum(weights.values(), Fraction(0))
    exact = {key: whole * weight / total for key, weight in weights.items()}
    parts = {key: share.numerator // share.denominator for key, share in exact.items()}
    for key in sorted(exact, key=lambda k: (parts[k] - exact[k], k))[: int(whole) - sum(parts.values())]:
        parts[key] += 1
    return {key: Fraction(part, 10**12) for key, part in parts.items()}


def periods(commitment: dict[str, Any], until: date) -> Iterator[tuple[date, date]]:
    """(first day, last day) of the periods that are over before `until`."""
    first: date = commitment["valid_from"]
    end: date = commitment.get("valid_to") or date.max
    months = {"month": 1, "quarter": 3, "year": 12}.get(commitment["period"])
    since = first
    while since < end:
        upto = end
        if months:
            ahead = (since.year * 12 + since.month - 1) + months
            upto = date(ahead // 12, ahead % 12 + 1, first.day)
        if upto > until:
            return
        yield since, upto - timedelta(days=1)
        since = upto
