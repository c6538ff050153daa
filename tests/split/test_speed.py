"""Two hundred workflows with fifty task types and five candidates, within a minute of CPU."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.split.worlds import FULL, draw, simulate


@pytest.mark.slow
def test_a_large_company_is_advised_within_a_minute_of_cpu():
    workflows = 200 if FULL else 10
    rng = np.random.default_rng(200)
    worlds = [
        [draw(rng, 40, rng.uniform(0.6, 0.95), rng.normal(-0.05, 0.05, 5).tolist(), 0.15) for _ in range(50)]
        for _ in range(workflows)
    ]
    begun = time.process_time()
    made, _ = simulate(worlds, costs=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert len(made.recommendations) == workflows * 50
    assert time.process_time() - begun <= 60 * workflows / 200 + 3
