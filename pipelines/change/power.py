"""The smallest step that a workflow's own noise lets be found: the minimum detectable change.

Defined as the rise of cost per outcome that raises an alarm, of either kind, within seven days in 80 % of cases. For
normal noise that depends on nothing but the step in units of a day's noise and on how many days of a week are judged:
the CUSUM is a Markov chain on a grid (Brook and Evans 1972), started at zero, and a day beyond the shock limit ends it.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np

from pipelines.change.detectors import DRIFT_LIMIT, SHOCK_LIMIT, SLACK, Baseline

POWER = 0.8
_CELLS = 240
_WIDTH = DRIFT_LIMIT / (_CELLS - 0.5)  #: cell 0 is half as wide: it holds the sums at zero


def minimum_detectable(known: Baseline) -> float:
    """The step as a share of cost per outcome, 0.15 for +15 %."""
    return math.expm1(detectable_shift(known.days_a_week) * known.usual_noise)


@cache
def detectable_shift(days: int) -> float:
    """The shift of z that `days` judged days find with 80 % power."""
    low, high = 0.0, 20.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, days) < POWER else (low, middle)
    return round(high, 6)


def power(shift: float, days: int) -> float:
    """Chance of an alarm within `days` judged days after z has shifted up by `shift`."""
    moves = _transitions(shift)
    state = np.zeros(_CELLS)
    state[0] = 1.0
    for _ in range(days):
        state = state @ moves
    return 1 - math.fsum(state.tolist())


def _transitions(shift: float) -> np.ndarray:
    """Chances to go from one cell to another without an alarm. Winsorising at 4 is beyond the shock limit."""
    noise = NormalDist(shift)
    lowest, highest = noise.cdf(-SHOCK_LIMIT), noise.cdf(SHOCK_LIMIT)
    # the z that brings the middle of one cell to the upper edge of another; only their difference matters
    edges = [(step + 0.5) * _WIDTH + SLACK for step in range(-_CELLS, _CELLS)]
    below = np.array([min(max(noise.cdf(edge), lowest), highest) for edge in edges])
    start, end = np.indices((_CELLS, _CELLS))
    reach = below[end - start + _CELLS]
    moves = reach - below[end - start + _CELLS - 1]
    moves[:, 0] = reach[:, 0] - lowest
    return moves
