"""Bounds and tests: wide where little is known, and as wide as the literature says."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from pipelines.split.noninferiority import (
    Z,
    admitted,
    deciding_z,
    loss_bounds,
    lower_bound,
    p_value,
    sequence_z,
)  # fmt: skip
from pipelines.split.standing import standing


def pair_row(gains: int, losses: int, n: int, right: int) -> dict:
    scale = 10_000
    return {
        "model_key": "maker/cheap", "rank": 1, "n": n, "discordant": gains + losses, "looks": 1,
        "d1": (gains - losses) * scale, "d2": (gains + losses) * scale**2, "d3": (gains - losses) * scale**3,
        "q1": right * scale, "q2": right * scale**2, "dq": -losses * scale**2, "cost_pairs": 0,
        "cost": None, "reference_cost": None, "c2": None, "r2": None, "cr": None,
        "latency_pairs": 0, "latency_p95": None, "latency": 0, "reference_latency": 0,
    }  # fmt: skip


def tango_lower(gains: int, losses: int, n: int) -> float:
    """Lower end of Tango's (1998) score interval for a paired difference, by bisection on its statistic."""

    def statistic(delta: float) -> float:
        a, b = 2.0 * n, -gains - losses + (2 * n - gains + losses) * delta
        c = -losses * delta * (1 - delta)
        loss = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)
        return (gains - losses - n * delta) / math.sqrt(n * (2 * loss + delta * (1 - delta)))

    low, high = -0.999, (gains - losses) / n
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if statistic(middle) > Z else (low, middle)
    return low


@pytest.mark.parametrize(
    ("gains", "losses", "n"),
    [(0, 0, 60), (0, 1, 60), (0, 3, 60), (2, 5, 60), (0, 5, 200), (10, 20, 200), (60, 90, 600)],
)
def test_the_paired_bound_is_about_the_score_bound(gains, losses, n):
    one = standing(pair_row(gains, losses, n, n))
    bound = float(lower_bound(one.d, one.variance, one.third, Z))
    assert bound == pytest.approx(tango_lower(gains, losses, n), abs=0.006)
    assert bound < one.d


def test_sixty_pairs_without_a_difference_are_no_certainty():
    one = standing(pair_row(0, 0, 60, 60))
    assert one.variance > 0
    assert float(lower_bound(one.d, one.variance, one.third, Z)) == pytest.approx(-0.0451, abs=1e-4)


def test_moments_are_those_of_the_marks():
    one = standing(pair_row(2, 5, 100, 80))
    assert (one.d, one.q) == (pytest.approx(-0.03), pytest.approx(0.8))
    assert one.third == pytest.approx(((2 * 1.03**3) - 5 * 0.97**3 + 93 * 0.03**3) / 100**3)
    assert one.covariance == pytest.approx((-5 + 100 * 0.03 * 0.8) / 100**2)


def test_the_error_is_shared_among_the_candidates():
    assert deciding_z(100, looks=1) == pytest.approx(1.6449, abs=1e-4)
    assert deciding_z(100, looks=1, contenders=10) == pytest.approx(2.5758, abs=1e-4)


def test_a_stream_of_several_days_needs_a_wider_bound():
    assert deciding_z(300, looks=2) == sequence_z(300)
    assert 2.7 < sequence_z(300) < 2.85
    assert sequence_z(20) > 3
    assert sequence_z(30_000) > sequence_z(300)


def test_benjamini_hochberg_admits_up_to_the_last_that_passes():
    assert admitted([0.01, 0.9, 0.06, 0.04]) == [True, False, True, True]
    assert admitted([0.2, 0.9]) == [False, False]
    assert admitted([]) == []


def test_the_greatest_loss_is_where_the_deciding_bound_is_nought():
    change, quality, variance, q_variance, covariance, third = -0.02, 0.8, 4e-4, 1e-4, -5e-5, -2e-6
    most, least = loss_bounds(change, quality, variance, q_variance, covariance, third, Z)
    spread = variance + most**2 * q_variance + 2 * most * covariance
    assert float(lower_bound(change + most * quality, spread, third, Z)) == pytest.approx(0, abs=1e-9)
    assert least < 0.025 < most


def test_p_values_agree_with_the_bound():
    assert p_value(-0.02, 4e-4, 0.05) == pytest.approx(stats.norm.sf(0.03 / 0.02))
