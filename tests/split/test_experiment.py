"""What an experiment asks for: pairs, days and dollars that follow from what is known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.split.experiment import pairs_needed, plan, planned_discordance


def test_the_sample_size_is_that_of_the_textbook_where_nothing_is_monitored():
    """(1.645 + 0.842)² · discordance ÷ margin²: 773 pairs at 2 points and 5 %, 124 at 5 points; ours adds the
    pseudo-pairs that keep the bound honest."""
    assert pairs_needed(0.02, 0.05, monitored=False) == pytest.approx(773, rel=0.06)
    assert pairs_needed(0.05, 0.05, monitored=False) == pytest.approx(124, rel=0.25)


def test_a_finer_margin_more_discordance_and_more_candidates_need_more():
    base = pairs_needed(0.05, 0.1, monitored=True)
    assert base > pairs_needed(0.05, 0.1, monitored=False)
    assert pairs_needed(0.02, 0.1, monitored=True) > 5 * base
    assert pairs_needed(0.05, 0.2, monitored=True) > base
    assert pairs_needed(0.05, 0.1, monitored=True, contenders=5) > base


def test_a_few_lucky_pairs_do_not_promise_a_short_experiment():
    assert planned_discordance(0, 0) == pytest.approx(1 - 0.25**0.25)
    assert planned_discordance(0, 20) > 0.05
    assert planned_discordance(100, 1000) == pytest.approx(0.106, abs=0.002)


def test_days_follow_from_the_traffic_and_dollars_from_the_cost_of_an_item():
    made = plan(0.05, 2, 60, daily_requests=40.0, cost_per_item=Decimal("0.002"))
    assert made.days == -(-made.pairs // 40)
    assert made.cost_usd == made.pairs * Decimal("0.002")
    assert made.decidable_margin is None


def test_thin_traffic_says_which_margin_it_could_decide():
    made = plan(0.01, 2, 30, daily_requests=1.0, cost_per_item=None)
    assert made.cost_usd is None
    assert made.days is not None
    assert made.days > 90
    assert made.decidable_margin is not None
    assert 0.01 < made.decidable_margin < 0.3


def test_an_experiment_is_never_of_no_pairs():
    assert plan(0.9, 0, 5000, 10.0, None).pairs == 20
    assert plan(0.0, 0, 0, 0.0, None).days is None
