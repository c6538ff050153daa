"""How often two sources are said to report the same calls: hardly ever where they don't, nearly always where they do."""

import os

import numpy as np
import pytest

from tests.close.overlap_worlds import APART, DAY, DAYS, alarms, two_apart, two_that_overlap

FULL = bool(os.environ.get("OUTLAY_FULL"))
WORLDS = 30 if FULL else 5


@pytest.mark.slow
def test_months_of_sources_that_share_no_call_alarm_in_less_than_one_of_a_hundred():
    worlds = ((f"{kind} {seed}", two_apart(kind, seed)) for kind in APART for seed in range(WORLDS))
    alarmed = {name for name, _, _ in alarms(worlds)}
    assert len(alarmed) * 100 <= WORLDS * len(APART), alarmed


@pytest.mark.slow
@pytest.mark.parametrize("calls", [100, 1000, *([10_000] if FULL else [])])
@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
def test_calls_that_both_report_are_told_on_the_day_and_counted(calls: int, share: float):
    for skew in (-4.5, 0.0, 4.5) if FULL else (-4.5,):
        world = two_that_overlap(calls, share, 7, skew)
        told = {day: requests for _, day, requests in alarms([("one", world)])}
        both = dict.fromkeys(range(1, DAYS + 1), 0)
        for start in world[1][world[1][:, 3] == 1][:, 0]:
            both[int((start - skew) // DAY) + 1] += 1
        enough = {day for day, number in both.items() if number >= 5}
        assert len(enough - told.keys()) <= 1, (calls, share, skew)
        for day in enough & told.keys():
            assert abs(told[day] - both[day]) <= max(3, both[day] / 20), (day, told[day], both[day])


@pytest.mark.slow
def test_an_overlap_is_found_beside_probes_of_one_size_at_every_minute():
    one, other = two_apart("probes on the minute", 3)
    calls = one[one[:, 1] != 9]
    assert not list(alarms([("apart", (one, other))]))
    told = {day for _, day, _ in alarms([("both", (one, np.vstack([other, calls])))])}
    assert len(told) >= DAYS - 1
