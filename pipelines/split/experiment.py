"""What evidence is still missing: how many pairs, how many days of traffic, how many dollars, and when to
stop.

Planned for a candidate that is truly equal: power 0.8 that its bound allows the full share. The
discordance (share of pairs that differ) is the upper quartile of a Beta(1, 4) prior (mean 0.2) updated
with the pairs seen, so a few lucky pairs don't promise a short experiment. Evidence that comes in over
several days is judged by the confidence sequence, so one that goes on from earlier pairs, or takes more
than a day, is planned with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from scipy import special

from pipelines.split.evidence import MIN_PAIRS
from pipelines.split.noninferiority import Z, deciding_z, quantile

POWER_Z = quantile(0.8)
PRIOR = (1.0, 4.0)
UNKNOWN_QUALITY = 0.8  # the reference's, where no mark of it exists: low, so that the margin is not overrated
PATIENCE_DAYS = 90  # beyond, the traffic is called too thin


@dataclass(frozen=True, slots=True)
class Plan:
    """`pairs` still to collect; `days` at present volume and `cost_usd` of the candidate's replays, if
    known.
    """

    pairs: int
    days: int | None
    cost_usd: Decimal | None
    decidable_margin: float | None  # in quality, with what `PATIENCE_DAYS` bring, if that is too little


def planned_discordance(discordant: int, pairs: int) -> float:
    a, b = PRIOR
    return float(special.betaincinv(a + discordant, b + max(pairs - discordant, 0), 0.75))


def pairs_needed(margin: float, discordance: float, monitored: bool, contenders: int = 1) -> int:
    """Pairs in all at which an equal candidate's bound clears −`margin` with power 0.8; at least 20."""
    return _least(lambda n: _reach(n, discordance, monitored, contenders) <= margin)


def plan(
    margin: float,
    discordant: int,
    pairs: int,
    daily_requests: float,
    cost_per_item: Decimal | None,
    contenders: int = 1,
) -> Plan:
    """`margin`: what the candidate may lose in quality at full share; `pairs`, `discordant`: seen so far."""
    discordance = planned_discordance(discordant, pairs)
    margin = max(margin, 0.001)
    total = pairs_needed(margin, discordance, monitored=True, contenders=contenders)
    if pairs == 0:
        at_once = pairs_needed(margin, discordance, monitored=False, contenders=contenders)
        if at_once <= daily_requests:
            total = at_once
    missing = max(total - pairs, MIN_PAIRS)
    days = math.ceil(missing / daily_requests) if daily_requests > 0 else None
    decidable = None
    if days is not None and days > PATIENCE_DAYS:
        decidable = _reach(pairs + PATIENCE_DAYS * daily_requests, discordance, True, contenders)
    cost = None
    if cost_per_item is not None:
        cost = (cost_per_item * missing).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
    return Plan(missing, days, cost, decidable)


def _reach(n: float, discordance: float, monitored: bool, contenders: int) -> float:
    """The margin that `n` pairs decide with power 0.8; the bound's variance carries z² pseudo-pairs."""
    n = max(n, 1.0)
    z = deciding_z(n, looks=2 if monitored else 1, contenders=contenders)
    return z * math.sqrt((n * discordance + Z * Z) / n**2) + POWER_Z * math.sqrt(discordance / n)


def _least(reached: Callable[[int], bool]) -> int:
    low, high = MIN_PAIRS, MIN_PAIRS
    while not reached(high):
        low, high = high, high * 2
        if high > 10**9:
            return high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return high
