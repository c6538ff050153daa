"""Where one candidate stands against the reference in one task type: estimates, bounds, costs and what may
be said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from pipelines.split.evidence import MIN_PAIRS, SCALE
from pipelines.split.noninferiority import Z, deciding_z, loss_bounds, lower_bound, p_value
from pipelines.workspace.work import Quality

MIN_DISCORDANT = 5
ADMISSION_SHARE = 0.2  # a candidate is worth a route if at least this share of the task type could run on it


@dataclass(slots=True)
class Standing:
    """One row of `evidence.pairs`. Quality in 0..1; variances are those of the estimates."""

    candidate: str
    rank: int
    n: int
    discordant: int
    looks: int
    d: float
    variance: float
    third: float
    covariance: float
    q: float
    q_variance: float
    cost_per_item: Decimal | None
    reference_cost_per_item: Decimal | None
    saving: float | None  # of the same pairs' costs, at full share
    saving_se: float
    contenders: int = 1
    floors: int = 1  # task types of the workflow that are decided with it
    live_saving: Decimal | None = None  # dollars of the traffic's days at full share
    like_saving: Decimal | None = None  # the same, at the pairs' ratio of costs where no rate prices the candidate
    shrunk: float | None = None
    latency_p95: float | None = None  # milliseconds on the pairs, if at least 20 were timed
    latency_saving: float | None = None  # share of the reference's mean latency
    refused: str | None = None  # why it may not serve, whatever its quality
    unseen: tuple[str, ...] = ()  # recorded strata of more than 5 % of the live requests with too few pairs
    weighed: float | None = None  # pairs that are worth as much, where live traffic has another mix of strata

    @property
    def z(self) -> float:
        return deciding_z(self.n, self.looks, self.contenders, self.floors)

    @property
    def enough(self) -> bool:
        worth = self.n if self.weighed is None else min(self.n, self.weighed)
        return worth >= MIN_PAIRS and not self.unseen

    @property
    def estimate(self) -> float:
        return self.d if self.shrunk is None else self.shrunk

    def margin(self, quality: Quality) -> float:
        """What the candidate may lose at full share: the stricter of retention and floor, times the
        reference.
        """
        return (1 - max(quality.retention, quality.floor)) * self.q

    def undecided(self, quality: Quality) -> bool:
        """Too few pairs, or too few that differ, for a bound that misses the target to mean anything."""
        if not self.enough:
            return True
        return self.discordant < MIN_DISCORDANT and self.full_share_bound(quality) < 0

    def full_share_bound(self, quality: Quality) -> float:
        """Lower bound of d + (1 − target)·q: at least 0 where the full share holds the target."""
        give = 1 - max(quality.retention, quality.floor)
        variance = self.variance + give**2 * self.q_variance + 2 * give * self.covariance
        return float(lower_bound(self.d + give * self.q, variance, self.third, self.z))

    def retention(self, share: float = 1.0) -> tuple[float | None, float | None, float | None]:
        """(estimate, low, high) of the mix's quality ÷ the reference's."""
        if self.q <= 0:
            return None, None, None
        most, least = loss_bounds(
            share * self.estimate,
            self.q,
            share**2 * self.variance,
            self.q_variance,
            share * self.covariance,
            share**3 * self.third,
            self.z,
        )
        return 1 + share * self.estimate / self.q, max(1 - most, 0.0), 1 - least

    @property
    def loaded_saving(self) -> float | None:
        """Share saved per good item where every failed item is answered again by the reference, at its price."""
        if self.saving is None:
            return None
        new, old = 1 - min(self.q + self.estimate, 1.0), 1 - self.q
        return 1 - (1 - self.saving + max(new, 0.0)) / (1 + old)

    def savings(self, share: float = 1.0) -> tuple[float | None, float | None, float | None]:
        if self.saving is None:
            return None, None, None
        width = Z * self.saving_se
        return share * self.saving, share * (self.saving - width), share * min(self.saving + width, 1.0)


def admission_p_values(d: np.ndarray, variance: np.ndarray, q: np.ndarray, quality: Quality) -> np.ndarray:
    """Against "so much worse that not even `ADMISSION_SHARE` of the task type could run on it"."""
    return np.asarray(p_value(d, variance, (1 - quality.floor) * q / ADMISSION_SHARE))


def standing(row: dict[str, Any], strata: Sequence[tuple[dict[str, Any], float]] = ()) -> Standing:
    """From exact integer moments in 1/10,000. The variance carries z² pseudo-pairs of ±1 (see
    noninferiority).

    `strata`: the same pairs' moments by recorded stratum, each with its share of the live requests. Then quality is
    that of the live mix, and the variance that of so weighted a mean.
    """
    n = row["n"]
    parts = [(row, 1.0)]
    if strata:
        parts = [(part, share * n / part["n"]) for part, share in strata]
    worth = n / sum(part["n"] / n * weight**2 for part, weight in parts)  # 1 / Σ share² / n
    d = sum(weight * part["d1"] for part, weight in parts) / n
    q = sum(weight * part["q1"] for part, weight in parts) / n
    squares = cubes = products = q_squares = 0.0
    for part, weight in parts:
        m, d1, d2, q1 = part["n"], part["d1"], part["d2"], part["q1"]
        squares += weight**2 * (d2 - 2 * d * d1 + m * d * d)
        cubes += weight**3 * (part["d3"] - 3 * d * d2 + 3 * d * d * d1 - m * d**3)
        products += weight**2 * (part["dq"] - d * q1 - q * d1 + m * d * q)
        q_squares += weight**2 * (part["q2"] - 2 * q * q1 + m * q * q)
    cost_pairs = row["cost_pairs"]
    cost = old = saving = None
    saving_se = 0.0
    if cost_pairs:
        cost, old = row["cost"] / cost_pairs, row["reference_cost"] / cost_pairs
        if row["reference_cost"] > 0:
            ratio = float(row["cost"] / row["reference_cost"])
            saving = 1 - ratio
            residual = row["c2"] - 2 * ratio * row["cr"] + ratio**2 * row["r2"]
            saving_se = math.sqrt(max(residual, 0.0)) / cost_pairs
    timed = row["latency_pairs"] >= MIN_PAIRS and row["reference_latency"] > 0
    return Standing(
        candidate=row["model_key"],
        rank=row["rank"],
        n=n,
        discordant=row["discordant"],
        looks=row["looks"],
        d=d / SCALE,
        variance=max(squares, 0.0) / SCALE**2 / n**2 + Z * Z / worth**2,
        third=cubes / SCALE**3 / n**3,
        covariance=products / SCALE**2 / n**2,
        q=q / SCALE,
        q_variance=max(q_squares, 0.0) / SCALE**2 / n**2 + Z * Z / 4 / worth**2,
        cost_per_item=cost,
        reference_cost_per_item=old,
        saving=saving,
        saving_se=saving_se,
        latency_p95=row["latency_p95"] if timed else None,
        latency_saving=1 - row["latency"] / row["reference_latency"] if timed else None,
        weighed=worth if strata else None,
    )
