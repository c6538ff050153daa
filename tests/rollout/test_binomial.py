"""The binomial from special functions is the one of scipy's statistics package."""

from __future__ import annotations

import pytest
from scipy import stats

from pipelines.rollout.binomial import at_least, quantile

CHANCES = (0.0, 1e-6, 0.01, 0.05, 0.1, 0.35, 0.5, 0.9, 0.999, 1.0)


@pytest.mark.parametrize("draws", [1, 2, 7, 100, 5_000])
def test_tails_and_quantiles_are_those_of_the_statistics_package(draws: int) -> None:
    for chance in CHANCES:
        for successes in {0, 1, draws // 20, draws // 2, draws}:
            assert at_least(successes, draws, chance) == pytest.approx(
                stats.binom.sf(successes - 1, draws, chance), rel=1e-9, abs=1e-300
            )
        for level in (0.00135, 0.025, 0.4, 0.975, 0.99865):
            assert quantile(level, draws, chance) == max(int(stats.binom.ppf(level, draws, chance)), 0)


def test_no_draws_have_no_successes() -> None:
    assert quantile(0.99, 0, 0.5) == 0
    assert at_least(0, 0, 0.5) == 1.0
