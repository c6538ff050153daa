"""The optimiser on small worlds whose answer can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.split.portfolio import Options, choose, floor_percent, shrink


def options(d, saving, *, task=None, weight=None, variance=1e-8, q=1.0) -> Options:
    d = np.array(d, dtype=float)
    n = len(d)
    zero = np.zeros(n)
    return Options(
        task=np.arange(n) if task is None else np.array(task),
        candidate=np.zeros(n, dtype=int),
        weight=np.full(n, 1 / n) if weight is None else np.array(weight),
        d=d,
        variance=np.full(n, variance),
        third=zero,
        covariance=zero,
        q=np.full(n, q),
        q_variance=np.full(n, 1e-12),
        saving=np.array(saving, dtype=float),
        z=np.full(n, 1.645),
        allowed=np.ones(n, dtype=bool),
        shrunk=d,
    )


def shares(made: Options, retention: float, floor: float, tasks: int) -> list[int]:
    even = np.full(tasks, 1 / tasks)
    return choose(made, np.ones(tasks), even, np.full(tasks, 1e-12), retention, floor, 1.645).tolist()


def test_where_nothing_is_lost_all_moves():
    assert shares(options([0.0, 0.02], [1, 1]), 0.95, 0.9, 2) == [100, 100]


def test_the_budget_goes_where_a_point_of_quality_saves_most():
    """Budget 0.05: the first costs 0.04 · ½; the 0.03 that is left buys 3/4 of the second's 0.08 · ½."""
    assert shares(options([-0.04, -0.08], [10, 10]), 0.95, 0.9, 2) == [100, 74]


def test_the_floor_caps_a_task_type_though_the_workflow_could_afford_it():
    assert shares(options([-0.40, 0.0], [10, 0.1]), 0.70, 0.9, 2) == [24, 100]


def test_a_gain_in_one_task_type_pays_for_a_loss_in_another():
    assert shares(options([0.05, -0.09], [1, 1]), 0.99, 0.9, 2) == [100, 77]


def test_a_share_that_no_rollout_could_serve_is_none():
    assert shares(options([-0.9], [10]), 0.97, 0.9, 1) == [0]


def test_one_candidate_a_task_type_and_the_split_that_saves_most():
    """Saving 9 at 12 points or 6 at none: all on the second saves more than part on the first."""
    made = options([-0.12, 0.0], [9, 6], task=[0, 0], weight=[1.0, 1.0])
    assert choose(made, np.ones(1), np.ones(1), np.full(1, 1e-12), 0.95, 0.9, 1.645).tolist() == [0, 100]


def test_uncertainty_costs_share():
    sure = floor_percent(options([-0.2], [1]), 0.9)
    unsure = floor_percent(options([-0.2], [1], variance=0.01), 0.9)
    assert sure.tolist() == [49]
    assert unsure[0] < sure[0]


def test_shrinkage_draws_the_lucky_ones_to_the_mean_and_keeps_real_differences():
    rng = np.random.default_rng(3)
    same = np.zeros(8, dtype=int)
    noise = -0.1 + 0.1 * rng.standard_normal(8)
    drawn = shrink(same, noise, np.full(8, 0.01))
    assert drawn.std() < 0.5 * noise.std()
    apart = np.array([-0.4, -0.3, -0.2, -0.1, 0.0, 0.1])
    assert shrink(same[:6], apart, np.full(6, 1e-5)) == pytest.approx(apart, abs=1e-3)
    assert shrink(same[:3], noise[:3], np.full(3, 0.01)) == pytest.approx(noise[:3])
