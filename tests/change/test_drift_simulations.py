"""What the detectors find and how often they cry wolf, measured on seeded series; and steps as small as they claim."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from pipelines.change.alarms import Alarm, replay
from pipelines.change.detectors import baseline
from pipelines.change.power import POWER, minimum_detectable
from tests.change.simulated import MONDAY, series

SERIES = 200 if os.environ.get("OUTLAY_FULL") else 60


def raised(seed: int, days: int, after: int = 56, **world) -> list[Alarm]:
    """Alarms on the days from number `after`."""
    begin = MONDAY + timedelta(days=after)
    return [a for a in replay("w", series(seed, days, **world)).alarms if a.detected_day >= begin]


def found_within(days: int, step: float, **world) -> float:
    hits = sum(bool(raised(10_000 + seed, 56 + days, step=step, step_at=56, **world)) for seed in range(SERIES))
    return hits / SERIES


@pytest.mark.slow
def test_quiet_series_raise_no_more_than_two_alarms_in_three_months_of_quiet_days():
    every = [a for seed in range(SERIES) for a in raised(seed, 86)]
    assert len(every) / SERIES <= 0.67
    drifts = [a for a in every if a.kind == "drift"]
    assert len(drifts) / SERIES <= 0.25
    genuine = [a for seed in range(SERIES) for a in raised(seed, 86, bad_days=0)]
    assert len(genuine) / SERIES <= 0.40


@pytest.mark.slow
def test_a_short_baseline_cries_wolf_no_more_often_than_a_full_one():
    early = [a for seed in range(SERIES) for a in raised(seed, 56, after=28)]
    assert len(early) / SERIES <= 0.67 * 28 / 30


@pytest.mark.slow
def test_a_step_of_30_percent_is_found_within_a_week_and_one_of_15_within_two():
    assert found_within(7, 0.30) >= 0.99
    assert found_within(14, 0.15) >= 0.95
    assert found_within(14, -0.15) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("outcomes", [20, 200])
def test_the_minimum_detectable_change_is_found_in_about_80_percent_of_weeks(outcomes):
    """The step is each series' own claim, from its own baseline."""
    hits = 0
    for seed in range(SERIES):
        quiet = series(seed, 56, outcomes=outcomes, bad_days=0)
        step = minimum_detectable(baseline(quiet))
        moved = series(seed, 63, outcomes=outcomes, bad_days=0, step=step, step_at=56)
        hits += any(a.detected_day >= moved[56].day for a in replay("w", moved).alarms)
    assert POWER - 0.12 <= hits / SERIES <= POWER + 0.15
