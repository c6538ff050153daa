"""Cells of one route with known truth, drawn directly: what a ledger of such days would sum up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from pipelines.rollout.cells import CallCell, Cells, ServedCell, UnitCell
from pipelines.rollout.timeline import FOREVER
from pipelines.rollout.trials import Step, Trial
from pipelines.routing.policy import Canary, Match, Policy, Route
from tests.rollout.world import moment

FIRST = date(2026, 9, 1)


@dataclass(frozen=True)
class Side:
    """How a tier truly is: chance of a good unit, mean dollars of its calls and of the unit's other calls."""

    quality: float
    usd: float
    other: float = 0.01


def trial(percent: int, since: date = FIRST, up_to: int = 100, hold_back: int | None = None, **more: Any) -> Trial:
    canary = Canary(tier="light", percent=percent, up_to=up_to, hold_back=hold_back) if percent < 100 else None
    route = Route(
        match=Match(workflow="review", task_type="extraction"),
        tier="frontier" if canary else "light",
        canary=canary,
        **more,
    )
    policy = Policy(
        policy_id="p", version=1, created_at=moment(since), created_by="bob", tiers={"frontier": 2, "light": 1},
        default_tier="frontier", routes=(route,),
    )  # fmt: skip
    begin = moment(since)
    step = Step(begin, FOREVER, percent, 1, (begin,))
    return Trial("review", "extraction", "frontier", "light", (step,), route, policy, {"at": "", "by": "anna"}, 0)


def steady(
    of: Trial, days: int, per_day: int = 100, share: float | None = None, quality: tuple[float, float] = (0.995, 0.995),
    usd: tuple[str, str] = ("0.004", "0.0005"), errors: float = 0.0, slow: float = 0.0, first: int = 0, before: int = 0,
) -> Cells:  # fmt: skip
    """Days without chance: of each day's units `share` (by default the declared one) run on the new tier, each good in
    just its quality, at its price. `errors`, `slow`: of the new tier's requests. Pairs are (old, new).
    """
    units, served, calls = [], [], []
    part = of.step.percent / 100 if share is None else share
    for number in range(first - before, first + days):
        day = FIRST + timedelta(days=number)
        since = of.since if number >= first else moment(FIRST - timedelta(days=28))
        moved = round(per_day * part) if number >= first else 0
        for tier, n, good_share, price in (
            ("frontier", per_day - moved, *_of(quality, usd, 0)),
            ("light", moved, *_of(quality, usd, 1)),
        ):
            if not n:
                continue
            good, micro = round(n * good_share), int(Decimal(price) * 10**6)
            units.append(UnitCell(
                "review", "extraction", day, since, tier, "", n, n, good, good, n * Decimal(price), Decimal(0),
                Decimal(n * micro**2), Decimal(good * micro), Decimal(0), Decimal(0),
            ))  # fmt: skip
            served.append(ServedCell("review", "extraction", day, since, tier, "", good * 1_000_000))
            failed, late = (round(n * errors), round(n * slow)) if tier == "light" else (0, 0)
            calls.append(CallCell("review", "extraction", day, since, tier, n, failed, n - failed, late))
    return Cells(units, served, calls)


def _of(quality: tuple[float, float], usd: tuple[str, str], side: int) -> tuple[float, str]:
    return quality[side], usd[side]


def together(*parts: Cells) -> Cells:
    return Cells(*([cell for part in parts for cell in getattr(part, kind)] for kind in ("units", "served", "calls")))


def drawn(
    rng: np.random.Generator,
    old: Side,
    new: Side,
    percent: int,
    per_day: int,
    days: int,
    strata: tuple[str, ...] = ("",),
) -> Cells:
    """28 days before, all on the old tier, and `days` under the share. Costs are lognormal, stratum by stratum dearer."""
    units, served = [], []
    for number in range(-28, days):
        day = FIRST + timedelta(days=number)
        since = moment(FIRST) if number >= 0 else moment(FIRST - timedelta(days=28))
        for place, stratum in enumerate(strata):
            count = int(rng.poisson(per_day / len(strata)))
            moved = int(rng.binomial(count, percent / 100)) if number >= 0 else 0
            for tier, side, n in (("frontier", old, count - moved), ("light", new, moved)):
                if n:
                    cell, outcomes = _cell(rng, day, since, tier, stratum, side, n, 1.0 + place)
                    units.append(cell)
                    served.append(ServedCell("review", "extraction", day, since, tier, stratum, outcomes * 1_000_000))
    return Cells(units, served, [])


def _cell(
    rng: np.random.Generator, day: date, since: datetime, tier: str, stratum: str, side: Side, n: int, scale: float
) -> tuple[UnitCell, int]:
    """Outcomes are those of first tries; every fault is tried again elsewhere, at the same odds."""
    good = rng.random(n) < side.quality
    task = np.round(rng.lognormal(-0.08, 0.4, n) * side.usd * scale * 1e6).astype(int)
    other = np.round(rng.lognormal(-0.08, 0.4, n) * side.other * scale * 1e6).astype(int)
    whole = {
        "task_usd": Decimal(int(task.sum())) / 10**6, "other_usd": Decimal(int(other.sum())) / 10**6,
        "task_squares": Decimal(int((task * task).sum())), "task_good": Decimal(int(task[good].sum())),
        "other_squares": Decimal(int((other * other).sum())), "other_good": Decimal(int(other[good].sum())),
    }  # fmt: skip
    outcomes = int(good.sum())
    return UnitCell("review", "extraction", day, since, tier, stratum, n, n, outcomes, outcomes, **whole), outcomes


def true_saving(cells: Cells, old: Side, new: Side, strata: tuple[str, ...] = ("",)) -> float:
    """Dollars: outcomes that the new tier brought × the true difference of cost per good outcome."""
    total = 0.0
    for place, stratum in enumerate(strata):
        outcomes = sum(c.outcomes_ppm for c in cells.served if c.tier == "light" and c.stratum == stratum) / 1e6
        total += outcomes * (1.0 + place) * ((old.usd + old.other) / old.quality - (new.usd + new.other) / new.quality)
    return total
