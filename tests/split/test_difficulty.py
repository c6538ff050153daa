"""Recorded difficulty: the split differs by stratum where that explains quality, and its promise holds there too."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from pipelines.split.cases import workflow_cases
from pipelines.split.difficulty import Difficulty
from pipelines.split.recommend import recommend
from pipelines.split.recommendation import Recommendation, Recommendations
from tests.split.test_published_split import mark
from tests.split.worlds import (
    AS_OF,
    CHEAP,
    DEAR,
    FULL,
    MONEY,
    Task,
    draw,
    marks_of,
    share_of,
    traffic_of,
    whatif_of,
    workspace,
)  # fmt: skip
from tests.workspaces import Bench, call

QUALITY = 0.85
WORLDS = 2000 if FULL else 60
Strata = Mapping[str, tuple[int, float, int]]  # stratum → pairs, true difference, live requests

EASY_ONLY = {"easy": (200, 0.0, 1400), "hard": (200, -0.3, 1400)}
SAYS_NOTHING = {"easy": (200, -0.02, 1400), "hard": (200, -0.02, 1400)}
FEW_LABELS = {"easy": (200, 0.0, 1400), "hard": (12, -0.3, 1400)}
UNSEEN = {"easy": (200, 0.0, 1400), "hard": (0, -0.3, 1400)}
OTHER_MIX = {"easy": (300, 0.0, 280), "hard": (60, -0.3, 2520)}


def marks(rng: np.random.Generator, strata: Strata) -> pl.DataFrame:
    frames, first = [], 0
    for name, (pairs, difference, _) in strata.items():
        task: Task = draw(rng, pairs, QUALITY, [difference], 0.1)
        for model, right, cost in ((DEAR, task.reference, "1"), (CHEAP, task.candidates[0], "0.1")):
            frames.append(marks_of("t", model, right, cost, first_item=first, strata=[name] * pairs))
        first += pairs
    return pl.concat(frames)


def traffic_by_stratum(strata: Strata) -> Difficulty:
    text = dict.fromkeys(("workflow", "task_type", "stratum", "model_key"), pl.String())
    counts = {"requests": pl.Int64(), "priced_requests": pl.Int64(), "spend_usd": MONEY, "days": pl.Int64()}
    rows = [("claims", "t", name, DEAR, n, n, Decimal(n), 28) for name, (_, _, n) in strata.items() if n]
    what = [("claims", "t", name, CHEAP, Decimal(n) / 10) for name, (_, _, n) in strata.items() if n]
    return Difficulty(
        pl.DataFrame(rows, schema=text | counts, orient="row"),
        pl.DataFrame(what, schema=text | {"spend_usd": MONEY}, orient="row"),
    )


def advised(rng: np.random.Generator, strata: Strata, *, recorded_live: bool = True) -> Recommendations:
    live = sum(n for _, _, n in strata.values())
    return recommend(
        workspace(), marks(rng, strata), traffic_of("t", DEAR, live, str(live)),
        whatif_of("t", CHEAP, str(Decimal(live) / 10)), AS_OF,
        difficulty=traffic_by_stratum(strata) if recorded_live else None,
    )  # fmt: skip


def moved(one: Recommendation, stratum: str) -> float:
    """Share of the stratum's requests that the advice moves."""
    if not one.strata:
        return share_of(one, CHEAP)
    return sum(r.share for s in one.strata if s.stratum == stratum for r in s.routes if r.model_key == CHEAP)


def true_retention(one: Recommendation, strata: Strata) -> float:
    live = sum(n for _, _, n in strata.values())
    return 1 + sum(n / live * moved(one, name) * d for name, (_, d, n) in strata.items()) / QUALITY


def limit(rate: float) -> float:
    return rate if FULL else rate + 3 * math.sqrt(rate * (1 - rate) / WORLDS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strata", "cut"),
    [
        (EASY_ONLY, (0.99, 1.0)),
        (FEW_LABELS, (0.99, 1.0)),
        (UNSEEN, (0.99, 1.0)),
        (OTHER_MIX, (0.8, 1.0)),
        (SAYS_NOTHING, (0.0, 0.05)),
        ({"a": (60, -0.02, 1400), "b": (60, -0.18, 1400)}, (0.0, 1.0)),
        ({"a": (30, -0.05, 1400), "b": (30, -0.20, 1400)}, (0.0, 1.0)),
        ({"a": (60, -0.10, 1400), "b": (60, -0.10, 1400)}, (0.0, 0.05)),
        ({"a": (100, -0.0425, 1400), "b": (100, -0.3, 1400)}, (0.0, 1.0)),
        ({f"s{i}": (40, -0.04 * i, 560) for i in range(5)}, (0.0, 1.0)),
    ],
)
def test_a_split_by_difficulty_keeps_its_promise(strata, cut):
    """And it is found where strata flip quality; where they say nothing, chance alone cuts by them."""
    rng = np.random.default_rng(61)
    made = [advised(rng, strata) for _ in range(WORLDS)]
    ones = [each.recommendations[0] for each in made]
    truth = np.array([true_retention(one, strata) for one in ones])
    assert np.mean(truth < 0.95 - 1e-9) <= limit(0.06)
    least, most = cut
    assert least <= np.mean([bool(one.strata) for one in ones]) <= (most if most == 1 else limit(most))
    said = [each.workflows[0] for each in made]
    assert np.mean([p.retention_low <= t <= p.retention_high for p, t in zip(said, truth, strict=True)]) >= 0.87


def test_the_easy_half_moves_and_the_hard_half_stays():
    """A floor of 95 % leaves nothing of what is hard to a model that fails on half of it."""
    frames, first = [], 0
    for stratum in ("easy", "hard"):
        right = np.array([float(i % 10 > 0) for i in range(200)])
        light = right if stratum == "easy" else right * (np.arange(200) % 2)
        for model, marked, cost in ((DEAR, right, "1"), (CHEAP, light, "0.1")):
            frames.append(marks_of("t", model, marked, cost, first_item=first, strata=[stratum] * 200))
        first += 200
    live = {"easy": (200, 0.0, 1400), "hard": (200, -0.5, 1399)}
    made = recommend(
        workspace(quality={"floor": 0.95}), pl.concat(frames), traffic_of("t", DEAR, 2799, "2799"),
        whatif_of("t", CHEAP, "279.9"), AS_OF, difficulty=traffic_by_stratum(live),
    )  # fmt: skip
    [one] = made.recommendations
    assert (one.decision, one.grade, one.items) == ("switch", "A", 400)
    assert [(s.stratum, s.decision, s.items, [(r.model, r.share) for r in s.routes]) for s in one.strata] == [
        ("easy", "switch", 200, [(CHEAP, 1.0)]),
        ("hard", "keep", 200, [(DEAR, 1.0)]),
    ]
    # 1,400 of 2,799 requests are a little more than half; whole percents are rounded towards the reference
    assert [(route.model, route.share) for route in one.routes] == [(CHEAP, 0.5), (DEAR, 0.5)]
    assert one.saving_usd_month == Decimal("1350.000000000000")  # 90 % of $1,400 in 28 days
    assert (one.quality_reference, one.retention, one.saving_share) == (0.9, 1.0, 0.450161)
    assert made.workflows[0].retention_low >= 0.95
    assert one.reason == (
        "Recorded difficulty explains quality: all of easy (50 % of the requests) can move to maker/cheap, where it keeps"
        " at least 98.1 %; hard (50 % of the requests) stays on maker/dear: there maker/cheap kept 55.6 %. Together they"
        " keep at least 99 %."
    )


def test_a_stratum_with_few_labels_keeps_the_reference_and_says_what_would_settle_it():
    one = advised(np.random.default_rng(3), FEW_LABELS).recommendations[0]
    hard = one.strata[1]
    assert (moved(one, "easy") > 0.5, moved(one, "hard")) == (True, 0.0)
    assert (hard.decision, hard.items) == ("experiment", 12)
    assert one.experiment is not None
    assert hard.experiment is not None
    assert one.experiment.pairs >= hard.experiment.pairs >= 20
    assert "12 items of it are too few to tell" in one.reason


def test_items_that_are_easier_than_live_traffic_promise_nothing_for_it():
    """Five in six items are easy, nine in ten requests are hard: a mix of the items would keep its promise, live not."""
    rng = np.random.default_rng(5)
    believed = advised(rng, OTHER_MIX, recorded_live=False).recommendations[0]
    # without recorded traffic nobody can know better
    assert 1 + share_of(believed, CHEAP) * -0.27 / QUALITY < 0.90
    known = advised(np.random.default_rng(5), OTHER_MIX).recommendations[0]
    assert true_retention(known, OTHER_MIX) >= 0.95


def test_a_mix_like_the_items_own_changes_no_figure():
    strata = {"easy": (150, -0.01, 1500), "hard": (150, -0.01, 1500)}
    inputs = (workspace(), marks(np.random.default_rng(8), strata), traffic_of("t", DEAR, 3000, "3000"))
    frames = (whatif_of("t", CHEAP, "300"), AS_OF)
    [plain] = workflow_cases(*inputs, *frames)
    [with_live] = workflow_cases(*inputs, *frames, difficulty=traffic_by_stratum(strata))
    one, other = plain.standings["t"][CHEAP], with_live.standings["t"][CHEAP]
    for figure in ("n", "d", "q", "variance", "q_variance", "covariance", "third", "saving"):
        assert getattr(one, figure) == pytest.approx(getattr(other, figure), rel=1e-9, abs=1e-12), figure


def test_strata_in_other_words_than_the_traffics_are_left_alone():
    strata = {"easy": (150, 0.0, 1500), "hard": (150, 0.0, 1500)}
    named = marks(np.random.default_rng(8), strata)
    other = named.with_columns(pl.col("stratum").replace({"easy": "1", "hard": "2"}))
    frames = (traffic_of("t", DEAR, 3000, "3000"), whatif_of("t", CHEAP, "300"), AS_OF)
    plain = recommend(workspace(), other.with_columns(pl.lit(None, pl.String()).alias("stratum")), *frames)
    assert recommend(workspace(), other, *frames, difficulty=traffic_by_stratum(strata)) == plain


def test_strata_share_one_candidate_and_the_routes_name_two_models():
    """Each stratum has a favourite of its own; a recommendation names no more than two models."""
    other = "maker/other"
    frames, first = [], 0
    for stratum, best in (("easy", CHEAP), ("hard", other)):
        for model, cost in ((DEAR, "1"), (CHEAP, "0.1"), (other, "0.1")):
            right = [float(model in (DEAR, best) and i % 10 > 0) for i in range(200)]
            frames.append(marks_of("t", model, right, cost, first_item=first, strata=[stratum] * 200))
        first += 200
    made = recommend(
        workspace(tiers={"light": [CHEAP, other], "frontier": [DEAR]}), pl.concat(frames),
        traffic_of("t", DEAR, 2800, "2800"), whatif_of("t", CHEAP, "280"), AS_OF,
        difficulty=traffic_by_stratum(EASY_ONLY),
    )  # fmt: skip
    one = made.recommendations[0]
    assert one.strata
    assert {route.model for route in one.routes} == {one.candidate, DEAR}
    assert {r.model for s in one.strata for r in s.routes} == {one.candidate, DEAR}


def by_difficulty(bench: Bench) -> Bench:
    """Calls and marks with strata: gpt-5-mini is right on what is easy, wrong on half of what is hard."""
    bench.config["workflows"]["review"]["quality"] = {"floor": 0.95}
    bench.save()
    chance = random.Random(11)
    bench.calls(*(call(f"x{n}", unit_id=f"d{n}", stratum="hard" if n % 2 else "easy") for n in range(200)))
    marks = []
    for n in range(400):
        stratum = "hard" if n % 2 else "easy"
        right = float(chance.random() < 0.9)
        light = right if stratum == "easy" else right * float(chance.random() < 0.5)
        marks += [mark(n, "gpt-5.4", right, stratum=stratum), mark(n, "gpt-5-mini", light, stratum=stratum)]
    bench.evals(*marks)
    return bench


def test_a_run_reads_strata_from_the_logs_and_publishes_the_split_by_them(bench: Bench):
    by_difficulty(bench)
    bench.run()
    document = bench.published.recommendations
    [one] = document["recommendations"]
    easy, hard = one["strata"]
    assert (one["decision"], easy["stratum"], easy["routes"], hard["routes"]) == (
        "switch", "easy", [{"model": "openai/gpt-5-mini", "share": 1.0}], [{"model": "openai/gpt-5.4", "share": 1.0}],
    )  # fmt: skip
    assert [route["share"] for route in one["routes"]] == [0.5, 0.5]
    rows = bench.export("recommendations")
    assert [(r["model"], r["share"], json.loads(r["by_stratum"])) for r in rows] == [
        ("openai/gpt-5-mini", "0.500000000000", {"easy": 1.0, "hard": 0.0}),
        ("openai/gpt-5.4", "0.500000000000", {"easy": 0.0, "hard": 1.0}),
    ]
    recommended = next(row for row in bench.export("frontier") if row["point"] == "recommended")
    assert float(recommended["saving_share"]) == document["workflows"][0]["saving_share"]
