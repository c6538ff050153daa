"""Is a candidate no worse than a margin allows? Bounds and tests that hold with few items and with many
looks.

Paired differences lie in [−1, 1]. Their variance carries z² pseudo-pairs of ±1, so that 60 pairs without
a single disagreement still leave ±2.7/60 (Tango's score interval gives the same), and a skewness term
(Hall 1992, Johnson 1978) that brings the bound of rare losses to the score bound. Never a Wald interval:
its width can be 0.

Several days of evidence are a monitored stream: the asymptotic confidence sequence of
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021), one-sided form, replaces the fixed quantile.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import special

ALPHA = 0.05  # deciding bounds are one-sided 95 %
Z = float(special.ndtri(1 - ALPHA))
FALSE_DISCOVERY = 0.10
TUNED_FOR = 300  # pairs at which the confidence sequence is about as tight as it can be


@lru_cache(maxsize=1024)
def quantile(level: float) -> float:
    """Of the standard normal distribution."""
    return float(special.ndtri(level))


def deciding_z(pairs: float, looks: int, contenders: float = 1, floors: float = 1) -> float:
    """How many standard errors a deciding bound lies below its estimate.

    `looks`: days on which evidence came in; above one it is a monitored stream. `contenders`: candidates
    among which the data may choose; the error is divided by them (Bonferroni), or else the luckiest of ten
    would be believed. `floors`: task types of the workflow that each have a floor to hold; the error is
    divided by their square root, half-way between each on its own and all at once.
    """
    fixed = quantile(1 - ALPHA / max(contenders * math.sqrt(floors), 1))
    return fixed if looks <= 1 else max(fixed, sequence_z(pairs, ALPHA / max(contenders, 1)))


def sequence_z(pairs: float, alpha: float = ALPHA) -> float:
    """Width of the one-sided confidence sequence at `pairs`, in standard errors of the mean."""
    rho2 = 8 / TUNED_FOR  # nρ² ≈ 8 minimises the width at level 0.05
    g = max(pairs, 1.0) * rho2
    return math.sqrt(2 * (g + 1) / g * math.log(1 + math.sqrt(g + 1) / (2 * alpha)))


def skew_term(z: np.ndarray | float, third: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray | float:
    """What rare large losses take off a lower bound: (2z²+1)/6 · κ₃/σ², never more than 0.

    `third` and `variance` are the third central moment and the variance of the estimator, not of one pair.
    """
    return (2 * z * z + 1) / 6 * np.minimum(third, 0.0) / np.maximum(variance, 1e-18)


def lower_bound(
    mean: np.ndarray | float, variance: np.ndarray | float, third: np.ndarray | float, z: np.ndarray | float
) -> np.ndarray | float:
    return mean - z * np.sqrt(np.maximum(variance, 0.0)) + skew_term(z, third, variance)


def loss_bounds(
    change: float,
    quality: float,
    variance: float,
    q_variance: float,
    covariance: float,
    third: float,
    z: float,
) -> tuple[float, float]:
    """(greatest, least) relative loss that the data allow: Fieller's bounds of −change ÷ quality.

    The greatest is the r at which the deciding bound of change + r·quality is exactly 0, so a split that is
    decided at margin r never shows a lower bound below it. `quality` > 0; within [−10, 10].
    """

    def bound(r: float, sign: float) -> float:
        spread = max(variance + r * r * q_variance + 2 * r * covariance, 1e-18)
        skew = (2 * z * z + 1) / 6 * min(third, 0.0) / spread if sign < 0 else 0.0
        return change + r * quality + sign * z * math.sqrt(spread) + skew

    def root(sign: float) -> float:
        low, high = -10.0, 10.0
        for _ in range(44):
            middle = (low + high) / 2
            low, high = (low, middle) if bound(middle, sign) >= 0 else (middle, high)
        return high

    return root(-1.0), root(1.0)


def p_value(mean: np.ndarray | float, variance: np.ndarray | float, margin: np.ndarray | float) -> np.ndarray | float:
    """One-sided, against "worse by `margin` or more"; from the same regularised variance as the bound."""
    return special.ndtr(-(mean + margin) / np.sqrt(np.maximum(variance, 1e-18)))


def admitted(p_values: list[float], rate: float = FALSE_DISCOVERY) -> list[bool]:
    """Benjamini-Hochberg: which of one task type's candidates pass at this false discovery rate."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    passed = 0
    for place, i in enumerate(order, start=1):
        if p_values[i] <= rate * place / len(order):
            passed = place
    kept = set(order[:passed])
    return [i in kept for i in range(len(p_values))]
