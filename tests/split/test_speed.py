"""Two hundred workflows with fifty task types and five candidates, within a minute of CPU, their curves included."""

from __future__ import annotations

import time

import numpy as np
import pytest

from pipelines.split.cases import workflow_cases
from pipelines.split.frontier import TARGETS, frontier
from pipelines.split.recommend import recommended
from tests.split.worlds import AS_OF, FULL, WHATIF, draw, generated, none


@pytest.mark.slow
def test_a_large_company_is_advised_within_a_minute_of_cpu():
    workflows = 200 if FULL else 10
    rng = np.random.default_rng(200)
    worlds = [
        [draw(rng, 40, rng.uniform(0.6, 0.95), rng.normal(-0.05, 0.05, 5).tolist(), 0.15) for _ in range(50)]
        for _ in range(workflows)
    ]
    config, evaluations, traffic = generated(worlds, costs=[0.1, 0.2, 0.3, 0.4, 0.5])
    begun = time.process_time()
    cases = workflow_cases(config, evaluations, traffic, none(WHATIF), AS_OF)
    made, curve = recommended(cases, AS_OF), frontier(cases)
    spent = time.process_time() - begun
    assert (len(made.recommendations), len(curve)) == (workflows * 50, workflows * (len(TARGETS) + 3))
    assert spent <= 60 * workflows / 200 + 3
