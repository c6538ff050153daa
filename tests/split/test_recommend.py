"""What `recommend` says, case by case: who is the reference, who may serve, and when it stays silent."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from pipelines.split.cases import workflow_cases
from pipelines.split.recommend import recommend, recommended
from tests.split.worlds import (
    AS_OF,
    CHEAP,
    DEAR,
    EVALUATIONS,
    WHATIF,
    advise,
    marks_of,
    none,
    only,
    share_of,
    traffic_of,
    whatif_of,
    workspace,
)  # fmt: skip

GOOD = [1.0] * 380 + [0.0] * 20
NEARLY = [1.0] * 378 + [0.0] * 22  # two items worse than GOOD, and only there
POOR = [1.0] * 180 + [0.0] * 220


def pairs(old, new, task="triage", candidate=CHEAP, **more):
    return [marks_of(task, DEAR, old, "1", **more), marks_of(task, candidate, new, "0.1", **more)]


def test_a_cheaper_model_that_is_as_good_takes_all():
    made = advise(
        workspace(),
        pairs(GOOD, NEARLY),
        [traffic_of("triage", DEAR, 2800, "2800")],
        whatif_of("triage", CHEAP, "280.5"),
    )
    document = made.to_json()
    assert document["as_of"] == "2026-11-20"
    (one,) = document["recommendations"]
    assert one["routes"] == [{"model": CHEAP, "share": 1.0}]
    assert list(one) == [
        "id", "workflow", "task_type", "decision", "grade", "reference_model", "routes", "items",
        "quality_reference", "retention", "retention_low", "retention_high", "saving_share", "saving_low",
        "saving_high",
        "saving_usd_month", "experiment", "reason", "saving_loaded",
        "cash_saving_usd_month", "candidate_model", "strata",
    ]  # fmt: skip
    assert (one["decision"], one["grade"], one["items"]) == ("switch", "A", 400)
    assert (one["quality_reference"], one["retention"]) == (0.95, 0.994737)
    assert (one["saving_share"], one["saving_low"], one["saving_high"]) == (0.9, 0.9, 0.9)
    assert one["saving_usd_month"] == "2699.464285714286"  # (2800 − 280.5) · 30 / 28
    assert one["saving_loaded"] == 0.852381  # 1 − (0.1 + 0.055) / (1 + 0.05): each failed item is answered again
    assert one["experiment"] is None
    assert one["reason"].startswith(
        "On 400 items answered by both, maker/cheap kept 99.5 % of the quality of maker/dear (at least 9"
    )
    assert document["workflows"] == [
        {
            "workflow": "claims", "retention": 0.994737, "retention_low": one["retention_low"],
            "retention_high": one["retention_high"], "saving_share": 0.9, "saving_low": 0.9,
            "saving_high": 0.9,
        }
    ]  # fmt: skip
    json.dumps(document)


def test_a_worse_model_gets_the_share_that_the_bound_allows():
    new = [1.0] * 340 + [0.0] * 60  # ten points worse
    made = advise(workspace(), pairs(GOOD, new), [traffic_of("triage", DEAR, 2800, "2800")])
    one = only(made)
    assert one.decision == "switch"
    assert [route.model for route in one.routes] == [CHEAP, DEAR]
    assert sum(route.share for route in one.routes) == pytest.approx(1)
    assert 0.2 < share_of(one, CHEAP) < 0.5
    assert one.retention_low is not None
    assert one.retention_low >= 0.95
    assert made.workflows[0].retention_low >= 0.95
    assert made.workflows[0].saving_share == pytest.approx(0.9 * share_of(one, CHEAP))
    rows = made.rows()
    assert [(row["model"], row["share"]) for row in rows] == [
        (CHEAP, Decimal(f"{share_of(one, CHEAP):.12f}")),
        (DEAR, Decimal(f"{share_of(one, DEAR):.12f}")),
    ]
    assert {row["id"] for row in rows} == {one.id}


def test_sixty_of_sixty_against_sixty_of_sixty_is_no_proof_of_two_points():
    config = workspace(quality={"retention": 0.98, "floor": 0.9})
    one = only(advise(config, pairs([1.0] * 60, [1.0] * 60), [traffic_of("triage", DEAR, 2800, "2800")]))
    assert (one.decision, one.grade, one.items, one.retention) == ("experiment", "A", 60, 1.0)
    assert one.experiment is not None
    assert one.experiment.pairs > 200
    assert [(route.model, route.share) for route in one.routes] == [(DEAR, 1.0)]
    assert one.saving_share == 0.9


@pytest.mark.parametrize(
    ("n", "decision"), [(8, "experiment"), (19, "experiment"), (20, "experiment"), (400, "switch")]
)
def test_fewer_than_twenty_pairs_decide_nothing(n, decision):
    one = only(advise(workspace(), pairs([1.0] * n, [1.0] * n), [traffic_of("triage", DEAR, 2800, "2800")]))
    assert one.decision == decision
    assert (one.experiment is None) == (decision == "switch")


def test_a_protected_workflow_keeps_its_models_whatever_the_evidence():
    config = workspace(quality={"protected": True})
    made = advise(config, pairs(GOOD, GOOD), [traffic_of("triage", DEAR, 2800, "2800"), traffic_of("other", DEAR)])
    assert [(r.task_type, r.decision, r.routes[0].model) for r in made.recommendations] == [
        ("other", "keep", DEAR),
        ("triage", "keep", DEAR),
    ]
    assert all("protected" in r.reason for r in made.recommendations)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"deny": ["maker/ch*"]}, "denied"),
        ({"allow": ["other/*"]}, "not among the workflow's allowed models"),
    ],
)
def test_the_workflows_limits_bind(limits, words):
    config = workspace(models=limits)
    one = only(advise(config, pairs(GOOD, GOOD), [traffic_of("triage", DEAR, 2800, "2800")]))
    assert one.decision == "keep"
    assert words in one.reason
    assert one.saving_share == 0.9


def routed(models: dict) -> dict:
    return {"targets": [{"name": "proxy", "kind": "litellm", "path": "routes.yaml", "models": models}]}


def test_with_targets_only_bound_models_are_routable():
    unbound = workspace(routing=routed({"frontier": {"model": DEAR}}))
    bound = workspace(routing=routed({"frontier": {"model": DEAR}, "light": {"model": CHEAP}}))
    traffic = [traffic_of("triage", DEAR, 2800, "2800")]
    kept, switched = (
        only(advise(unbound, pairs(GOOD, GOOD), traffic)),
        only(advise(bound, pairs(GOOD, GOOD), traffic)),
    )
    assert kept.decision == "keep"
    assert "not routable" in kept.reason
    assert switched.decision == "switch"


def test_a_switch_starts_beside_todays_model_so_a_gateway_serves_both():
    alone = workspace(routing=routed({"light": {"model": CHEAP}}))
    one = only(advise(alone, pairs(GOOD, GOOD), [traffic_of("triage", DEAR, 2800, "2800")]))
    assert (one.decision, [(r.model, r.share) for r in one.routes]) == ("keep", [(DEAR, 1)])
    assert one.reason == f"not routable: no gateway serves {DEAR}, and a switch starts beside it, so {DEAR} stays."


def test_models_meet_on_the_canonical_name_and_show_as_logged():
    dated = f"{CHEAP}-2026-05-01"
    evaluations = pl.concat(pairs(GOOD, GOOD)).with_columns(
        pl.when(pl.col("model") == CHEAP).then(pl.lit(dated)).otherwise("model").alias("model")
    )
    traffic = traffic_of("triage", DEAR, 2800, "2800")
    one = only(recommend(workspace(), evaluations, traffic, none(WHATIF), AS_OF))
    assert [(route.model, route.model_key, route.tier) for route in one.routes] == [(dated, CHEAP, "light")]


def test_the_reference_is_the_model_with_the_most_spend_unless_one_is_recorded():
    traffic = pl.concat([traffic_of("triage", CHEAP, 5000, "500"), traffic_of("triage", DEAR, 700, "700")])
    evaluations = pl.concat(pairs(GOOD, GOOD))
    one = only(recommend(workspace(), evaluations, traffic, none(WHATIF), AS_OF))
    assert one.reference_model == DEAR
    kept = recommend(workspace(), evaluations, traffic, none(WHATIF), AS_OF, recorded={("claims", "triage"): CHEAP})
    assert only(kept).reference_model == CHEAP


def test_a_dearer_model_is_not_recommended_however_good():
    one = only(
        advise(
            workspace(),
            [marks_of("triage", CHEAP, POOR, "0.1"), marks_of("triage", DEAR, GOOD, "1")],
            [traffic_of("triage", CHEAP, 2800, "280")],
        )
    )
    assert (one.decision, one.candidate) == ("keep", DEAR)
    assert "It would save nothing" in one.reason
    assert one.saving_share == -9.0


def test_a_model_that_costs_more_on_live_traffic_is_kept_out():
    made = advise(
        workspace(),
        pairs(GOOD, GOOD),
        [traffic_of("triage", DEAR, 2800, "100")],
        whatif_of("triage", CHEAP, "120"),
    )
    assert only(made).decision == "keep"
    assert "live traffic" in only(made).reason


def test_a_judge_counts_only_where_labels_have_calibrated_it():
    judged = pairs(GOOD, GOOD, signal="judge")
    traffic = [traffic_of("triage", DEAR, 2800, "2800")]
    one = only(advise(workspace(), judged, traffic))
    assert (one.decision, one.grade, one.items) == ("experiment", "C", 0)
    assert "no labels have calibrated" in one.reason
    agreeing = [*judged, marks_of("triage", DEAR, GOOD[:30], "1")]
    assert only(advise(workspace(), agreeing, traffic)).decision == "switch"
    opposed = [*judged, marks_of("triage", DEAR, [0.0] * 30, "1")]
    assert only(advise(workspace(), opposed, traffic)).decision == "experiment"


def test_the_absence_of_an_error_is_no_quality():
    one = only(advise(workspace(), pairs(GOOD, GOOD, signal="no_error"), [traffic_of("triage", DEAR, 2800, "9")]))
    assert (one.decision, one.items) == ("experiment", 0)


def test_labels_go_before_schema_checks():
    labelled = pairs(GOOD, POOR)
    schema = pairs(GOOD, GOOD, signal="schema")
    one = only(advise(workspace(), [*labelled, *schema], [traffic_of("triage", DEAR, 2800, "2800")]))
    assert one.retention is not None
    assert one.retention < 0.6


def test_an_item_that_was_marked_twice_counts_once_with_its_latest_mark():
    late = marks_of("triage", CHEAP, POOR, "0.1", day=1)
    one = only(advise(workspace(), [*pairs(GOOD, GOOD), late], [traffic_of("triage", DEAR, 2800, "2800")]))
    assert one.items == 400
    assert one.retention == pytest.approx(180 / 380, abs=1e-6)


def test_marks_after_as_of_are_not_seen():
    late = marks_of("triage", CHEAP, POOR, "0.1", day=60)
    one = only(advise(workspace(), [*pairs(GOOD, GOOD), late], [traffic_of("triage", DEAR, 2800, "2800")]))
    assert one.retention == 1.0


def test_without_marks_an_experiment_is_asked_for_with_pairs_days_and_dollars():
    one = only(advise(workspace(), [], [traffic_of("triage", DEAR, 2800, "2800")], whatif_of("triage", CHEAP, "280")))
    assert (one.decision, one.grade, one.retention, one.saving_share) == ("experiment", "C", None, None)
    assert one.experiment is not None
    assert one.experiment.days == -(-one.experiment.pairs // 100)
    assert one.experiment.cost_usd == one.experiment.pairs * Decimal("0.1")
    assert f"{one.experiment.pairs:,} more pairs" in one.reason


def test_what_the_cheapest_tier_serves_is_kept():
    one = only(advise(workspace(), [], [traffic_of("triage", CHEAP, 2800, "280")]))
    assert (one.decision, one.routes[0].share) == ("keep", 1.0)
    assert "No cheaper model" in one.reason


def test_the_declared_capability_says_which_model_to_try_first():
    config = workspace(
        tiers={"light": [CHEAP], "standard": ["maker/middle"], "frontier": [DEAR]},
        tasks={"triage": "reading"},
    ).model_copy(update={"capabilities": {"reading": "standard"}})
    what = [whatif_of("triage", CHEAP, "100"), whatif_of("triage", "maker/middle", "900")]
    one = only(advise(config, [], [traffic_of("triage", DEAR, 2800, "2800")], *what))
    assert one.candidate == "maker/middle"


def test_live_strata_that_overlap_ask_for_a_canary_and_never_switch():
    strata = ["easy", "hard"] * 300
    old = marks_of("triage", DEAR, [1.0] * 600, "1", strata=strata)
    new = marks_of("triage", CHEAP, [1.0] * 600, "0.1", first_item=5000, strata=strata)
    one = only(advise(workspace(), [old, new], [traffic_of("triage", DEAR, 2800, "2800")]))
    assert (one.decision, one.grade, one.items) == ("experiment", "B", 600)
    assert one.experiment is not None
    assert one.experiment.canary_share == 0.05
    assert one.to_json()["experiment"]["canary_share"] == 0.05
    apart = marks_of("triage", CHEAP, [1.0] * 600, "0.1", first_item=5000, strata=["easy"] * 600)
    assert only(advise(workspace(), [old, apart], [traffic_of("triage", DEAR, 2800, "2800")])).grade == "C"


def test_a_floor_protects_each_task_type_of_a_good_workflow():
    """Over the workflow the target would hold; one task type collapses and keeps nearly all of its model."""
    fine = [f"task{i}" for i in range(5)]
    evaluations = [frame for task in fine for frame in pairs(GOOD, GOOD, task=task)] + pairs(GOOD, POOR, task="sums")
    made = advise(workspace(), evaluations, [traffic_of(task, DEAR, 2800, "2800") for task in [*fine, "sums"]])
    by_task = {one.task_type: one for one in made.recommendations}
    assert {by_task[task].decision for task in fine} == {"switch"}
    assert share_of(by_task["sums"], CHEAP) * (200 / 380) <= 0.10
    low = by_task["sums"].retention_low
    assert low is None or by_task["sums"].decision == "keep" or low >= 0.90


def test_fractional_quality_is_judged_by_its_own_spread():
    rng = np.random.default_rng(4)
    old = np.clip(rng.normal(0.8, 0.1, 900), 0, 1)
    new = np.clip(old - 0.01 + rng.normal(0, 0.05, 900), 0, 1)
    one = only(advise(workspace(), pairs(old, new), [traffic_of("triage", DEAR, 2800, "2800")]))
    assert (one.decision, share_of(one, CHEAP)) == ("switch", 1.0)


def test_a_reference_that_is_never_right_gives_no_ratio_and_no_crash():
    one = only(advise(workspace(), pairs([0.0] * 100, [0.0] * 100), [traffic_of("triage", DEAR, 2800, "2800")]))
    assert (one.retention, share_of(one, CHEAP)) == (None, 0.0)


def test_unknown_costs_are_said_and_nothing_is_invented():
    free = [frame.with_columns(pl.lit(None).cast(pl.Decimal(38, 12)).alias("cost_usd")) for frame in pairs(GOOD, GOOD)]
    one = only(advise(workspace(), free, [traffic_of("triage", DEAR, 2800)]))
    assert (one.decision, one.saving_share, one.saving_usd_month) == ("keep", None, None)
    assert "is not known" in one.reason


def test_of_several_candidates_at_most_one_joins_the_reference():
    third = "maker/third"
    config = workspace(tiers={"light": [CHEAP, third], "frontier": [DEAR]})
    evaluations = [*pairs(GOOD, NEARLY), marks_of("triage", third, GOOD, "0.5")]
    one = only(advise(config, evaluations, [traffic_of("triage", DEAR, 2800, "2800")]))
    assert len(one.routes) <= 2
    assert one.routes[0].model == CHEAP


def test_row_order_changes_nothing():
    rng = np.random.default_rng(8)
    evaluations = pl.concat(
        frame for task in "abcdef" for frame in pairs((rng.random(90) < 0.9) * 1.0, (rng.random(90) < 0.85) * 1.0, task)
    )
    traffic = pl.concat(traffic_of(task, DEAR, 2800, "2800") for task in "abcdef")
    made = recommend(workspace(), evaluations, traffic, none(WHATIF), AS_OF)
    for seed in range(3):
        mixed = recommend(
            workspace(), evaluations.sample(fraction=1.0, shuffle=True, seed=seed),
            traffic.sample(fraction=1.0, shuffle=True, seed=seed), none(WHATIF), AS_OF,
        )  # fmt: skip
        assert mixed == made


def test_ids_hash_what_is_served_and_not_the_figures():
    traffic = [traffic_of("triage", DEAR, 2800, "2800")]
    first = only(advise(workspace(), pairs(GOOD, GOOD), traffic))
    again = only(advise(workspace(), pairs(GOOD, NEARLY), traffic))
    other = only(advise(workspace(), pairs(GOOD, POOR), traffic))
    assert first.id == again.id
    assert first.retention != again.retention
    assert other.id != first.id


def test_traffic_of_other_workflows_and_without_a_task_type_is_left_alone():
    untagged = traffic_of("triage", DEAR, 100, "100").with_columns(pl.lit(None).cast(pl.String).alias("task_type"))
    foreign = traffic_of("triage", DEAR, 100, "100", workflow="elsewhere")
    made = recommend(workspace(), pl.concat(pairs(GOOD, GOOD)), pl.concat([untagged, foreign]), none(WHATIF), AS_OF)
    assert made.to_json() == {"as_of": "2026-11-20", "workflows": [], "recommendations": []}


def timed(frame, milliseconds):
    return frame.with_columns(pl.lit(milliseconds, dtype=pl.Int64).alias("latency_ms"))


def test_a_latency_limit_binds_and_what_was_never_timed_may_not_serve():
    traffic = [traffic_of("triage", DEAR, 2800, "2800")]
    limited = workspace(limits={"latency_p95_ms": 900})
    old, new = pairs(GOOD, NEARLY)
    unknown = only(advise(limited, [old, new], traffic))
    assert unknown.decision == "keep"
    assert "its p95 latency was not measured on 20 pairs, and the workflow limits it to 900 ms" in unknown.reason
    slow = only(advise(limited, [timed(old, 700), timed(new, 950)], traffic))
    assert slow.decision == "keep"
    assert "its p95 latency of 950 ms is over the workflow's limit of 900 ms" in slow.reason
    assert only(advise(limited, [timed(old, 950), timed(new, 900)], traffic)).decision == "switch"


def test_weights_choose_between_models_that_both_hold_the_promise():
    config = {"light": [CHEAP, "maker/quick"], "frontier": [DEAR]}
    marks = [
        timed(marks_of("triage", DEAR, GOOD, "1"), 1000),
        timed(marks_of("triage", CHEAP, GOOD, "0.1"), 1000),
        timed(marks_of("triage", "maker/quick", GOOD, "0.3"), 200),
    ]
    traffic = [traffic_of("triage", DEAR, 2800, "2800")]
    assert share_of(only(advise(workspace(config), marks, traffic)), CHEAP) == 1.0
    hasty = only(advise(workspace(config, weights={"cost": 1, "latency": 1}), marks, traffic))
    assert share_of(hasty, "maker/quick") == 1.0


def test_a_saving_that_failed_items_eat_up_is_none():
    # 4 % cheaper and 4 points worse: each failure costs another answer of the reference
    new = [1.0] * 364 + [0.0] * 36
    marks = [marks_of("triage", DEAR, GOOD, "1"), marks_of("triage", CHEAP, new, "0.96")]
    one = only(advise(workspace(quality={"retention": 0.8, "floor": 0.8}), marks, [traffic_of("triage", DEAR, 9, "9")]))
    assert (one.decision, one.saving_share, one.saving_loaded) == ("keep", 0.04, 0.0)


def test_an_experiment_says_when_it_has_paid_for_itself():
    one = only(
        advise(
            workspace(),
            pairs([1.0] * 12, [1.0] * 12),
            [traffic_of("triage", DEAR, 2800, "2800")],
            whatif_of("triage", CHEAP, "280"),
        )
    )
    assert one.experiment is not None
    assert one.experiment.cost_usd is not None
    assert one.experiment.payback_days == math.ceil(one.experiment.cost_usd / Decimal("90"))  # 2520 / 28 a day


def test_only_models_that_a_rate_places_in_an_allowed_region_may_serve():
    config = workspace(models={"regions": ["eu"]})
    inputs = (pl.concat(pairs(GOOD, NEARLY)), traffic_of("triage", DEAR, 2800, "2800"), none(WHATIF), AS_OF)
    assert only(recommended(workflow_cases(config, *inputs, placed=lambda *_: True), AS_OF)).decision == "switch"
    asked = []
    one = only(recommended(workflow_cases(config, *inputs, placed=lambda *asking: bool(asked.append(asking))), AS_OF))
    assert (one.decision, "no rate says that it is served in eu" in one.reason) == ("keep", True)
    assert asked == [(CHEAP, ("eu",)), (DEAR, ("eu",))]


def test_a_model_without_a_price_where_the_requests_run_is_never_advised():
    """Its price elsewhere, and what the pairs cost, say nothing of that."""
    inputs = (
        workspace(),
        pl.concat(pairs(GOOD, NEARLY)),
        traffic_of("triage", DEAR, 2800, "2800"),
        none(WHATIF),
        AS_OF,
    )
    assert only(recommended(workflow_cases(*inputs), AS_OF)).decision == "switch"
    one = only(recommended(workflow_cases(*inputs, unplaced={("claims", "triage", CHEAP)}), AS_OF))
    assert (one.decision, one.saving_usd_month, one.routes[0].model) == ("keep", None, DEAR)
    assert "no rate says what it costs in the region where these requests run" in one.reason
    unseen = (workspace(), none(EVALUATIONS), *inputs[2:])
    asked = only(recommended(workflow_cases(*unseen), AS_OF))
    assert (asked.decision, asked.candidate) == ("experiment", CHEAP)
    assert only(recommended(workflow_cases(*unseen, unplaced={("claims", "triage", CHEAP)}), AS_OF)).decision == "keep"
