"""The curve from "nothing moves" to "all that may move"."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.split.cases import workflow_cases
from pipelines.split.frontier import frontier
from pipelines.split.recommend import recommend
from tests.split.worlds import AS_OF, CHEAP, DEAR, WHATIF, marks_of, none, traffic_of, workspace


def test_the_curve_begins_at_today_rises_with_what_is_given_up_and_holds_the_recommended_point():
    rng = np.random.default_rng(12)
    frames = []
    for task, loss in (("a", 0.0), ("b", 0.05), ("c", 0.2)):
        old = (rng.random(300) < 0.9) * 1.0
        frames += [
            marks_of(task, DEAR, old, "1"),
            marks_of(task, CHEAP, old * (rng.random(300) >= loss / 0.9), "0.2"),
        ]
    evaluations = pl.concat(frames)
    traffic = pl.concat([traffic_of(task, DEAR, 2800, "2800") for task in "abc"])
    config = workspace()
    curve = frontier(workflow_cases(config, evaluations, traffic, none(WHATIF), AS_OF))
    today, recommended = (
        curve.row(0, named=True),
        curve.filter(pl.col("point") == "recommended").row(0, named=True),
    )
    assert (today["point"], today["retention"], today["saving_share"]) == ("today", 1.0, 0.0)
    promise = recommend(config, evaluations, traffic, none(WHATIF), AS_OF).workflows[0]
    assert (recommended["retention"], recommended["saving_share"]) == (
        promise.retention,
        promise.saving_share,
    )
    targets = curve.filter(pl.col("point") == "target").sort("target", descending=True)
    saved = targets["saving_share"].to_list()
    assert saved == sorted(saved)
    assert (targets["retention_low"] >= targets["target"] - 1e-6).all()
    cheapest = curve.filter(pl.col("point") == "cheapest").row(0, named=True)
    assert cheapest["saving_share"] == 0.8
    assert cheapest["retention"] < 0.95


def test_a_protected_workflow_has_a_flat_curve():
    config = workspace(quality={"protected": True})
    evaluations = pl.concat([marks_of("a", DEAR, [1.0] * 300, "1"), marks_of("a", CHEAP, [1.0] * 300, "0.2")])
    curve = frontier(workflow_cases(config, evaluations, traffic_of("a", DEAR, 2800, "2800"), none(WHATIF), AS_OF))
    assert set(curve["saving_share"].to_list()) == {0.0}
