"""The binomial distribution, from special functions: scipy's statistics package takes half a second to import."""

from __future__ import annotations

import math

from scipy import special


def at_least(successes: int, draws: int, chance: float) -> float:
    """Probability of so many or more; 1 for none."""
    return float(special.bdtrc(successes - 1, draws, chance)) if successes > 0 else 1.0


def quantile(level: float, draws: int, chance: float) -> int:
    """The least number of successes that is not exceeded with at least this probability."""
    if draws == 0 or chance <= 0:
        return 0
    if chance >= 1:
        return draws
    found = math.ceil(special.bdtrik(level, draws, chance))
    below = max(found - 1, 0)
    return below if special.bdtr(below, draws, chance) >= level else found
