"""What a switch brought, on made-up days."""

from datetime import date, timedelta
from decimal import Decimal as D

import numpy as np
import pytest

from pipelines.review.realised import realised, served

CHANGED = date(2026, 10, 1)


def made(before: list[str], since: list[str], outcomes: int = 10) -> tuple[list[dict], list[dict]]:
    """Cost per outcome of each day before and after the change (the day itself has none)."""
    days = {CHANGED - timedelta(days=len(before) - n): usd for n, usd in enumerate(before)}
    days |= {CHANGED + timedelta(days=n + 1): usd for n, usd in enumerate(since)}
    task = [
        {
            "day": d,
            "workflow": "w",
            "task_type": "t",
            "tier": "light",
            "requests": outcomes,
            "spend_usd": D(usd) * outcomes,
        }
        for d, usd in days.items()
    ]
    return task, [{"day": d, "workflow": "w", "outcomes": outcomes} for d in days]


def test_a_switch_that_saves_four_cents_of_ten_an_outcome_is_told_a_month():
    task, daily = made(
        ["0.10", "0.102", "0.098", "0.10"] * 7, ["0.06", "0.061", "0.059", "0.06", "0.06", "0.06", "0.06"]
    )
    found = realised(task, daily, "w", "t", CHANGED, CHANGED + timedelta(days=7))
    # 10 outcomes a day for 30 days, 4 cents each
    assert found.usd_month == D("12.000000000000")
    assert found.reason is None
    assert found.low is not None
    assert found.high is not None
    assert D("11.5") < found.low < 12 < found.high < D("12.5")


def test_no_change_is_not_distinguishable():
    task, daily = made(["0.10", "0.11", "0.09", "0.10"] * 7, ["0.10", "0.09", "0.11", "0.10", "0.10", "0.10", "0.10"])
    found = realised(task, daily, "w", "t", CHANGED, CHANGED + timedelta(days=7))
    assert (found.usd_month, found.reason) == (D("0E-12"), "the interval holds 0")


@pytest.mark.parametrize(
    ("before", "since", "outcomes", "reason"),
    [
        (28, 0, 10, "no settled day lies behind the change yet"),
        (28, 4, 10, "4 settled days and 40 outcomes since; 5 and 20 are the least that tells"),
        (28, 7, 2, "7 settled days and 14 outcomes since; 5 and 20 are the least that tells"),
        (3, 7, 10, "too few days and outcomes before the change to compare with"),
    ],
)
def test_what_is_missing_is_said(before, since, outcomes, reason):
    task, daily = made(["0.10"] * before, ["0.05"] * since, outcomes)
    found = realised(task, daily, "w", "t", CHANGED, CHANGED + timedelta(days=since))
    assert (found.reason, found.usd_month) == (reason, None)


def test_the_interval_covers_a_true_saving_as_often_as_it_says():
    """400 seeded switches of 40 %, noisy days: nominal 90 %."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(400):
        costs = [f"{v:.6f}" for v in 0.10 * rng.lognormal(-0.02, 0.2, 28)]
        after = [f"{v:.6f}" for v in 0.06 * rng.lognormal(-0.02, 0.2, 14)]
        found = realised(*made(costs, after), "w", "t", CHANGED, CHANGED + timedelta(days=14))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 12 <= found.high
    assert held / 400 >= 0.86


def test_the_share_of_a_tier_is_told_before_and_since_without_the_day_itself():
    rows = [
        {
            "day": CHANGED + timedelta(days=n),
            "workflow": "w",
            "task_type": "t",
            "tier": tier,
            "requests": count,
            "spend_usd": D(0),
        }
        for n, tier, count in (
            (-1, "frontier", 10),
            (0, "light", 99),
            (1, "light", 3),
            (1, "frontier", 1),
            (-40, "light", 50),
        )
    ]
    found = served(rows, "w", "t", "light", CHANGED, CHANGED + timedelta(days=5))
    assert (found.before, found.since) == (0, D("0.75"))
    assert served(rows, "w", "other", "light", CHANGED, CHANGED).since is None
