"""Seeded series of a workflow's days: what an ordinary workflow's cost per outcome looks like, and with a step."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from pipelines.change.series import Day

MONDAY = date(2026, 6, 1)
VOLUME = np.array([1.0, 1.05, 1.05, 1.0, 0.95, 0.35, 0.3])


def series(
    seed: int, days: int, *, outcomes: int = 200, step: float = 0.0, step_at: int = 0, bad_days: float = 0.01,
    spread: float = 0.8, first: date = MONDAY,
) -> list[Day]:  # fmt: skip
    """Days with about `outcomes` outcomes on average.

    A unit's cost is lognormal (sigma 0.8: some documents cost ten times others), each weekday is a few percent dearer
    or cheaper, each day moves by 2 % of its own, and one day in a hundred is genuinely bad: 25 to 70 % dearer.
    """
    rng = np.random.default_rng(seed)
    weekday = rng.normal(0, 0.03, 7)
    volume = outcomes * VOLUME / VOLUME.mean()
    made = []
    for n in range(days):
        count = max(5, int(rng.poisson(volume[n % 7])))
        units = 0.3 * np.exp(rng.normal(0, spread, count))
        factor = math.exp(rng.normal(0, 0.02) + weekday[n % 7])
        bad, worse = rng.random() < bad_days, rng.uniform(1.25, 1.7)
        factor *= (worse if bad else 1.0) * (1 + step if step and n >= step_at else 1.0)
        made.append(Day(first + timedelta(days=n), Decimal(f"{units.sum() * factor:.12f}"), count))
    return made


def flat(costs: list[str], outcomes: int = 100, first: date = MONDAY) -> list[Day]:
    """Days of one cost per outcome each, without noise."""
    return [Day(first + timedelta(days=n), Decimal(cost) * outcomes, outcomes) for n, cost in enumerate(costs)]
