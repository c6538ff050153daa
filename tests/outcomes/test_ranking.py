"""The value ranking: exact ratios, honest intervals, and silence where the data can't tell."""

from __future__ import annotations

import math
import os
import random
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from pipelines.outcomes.finding import finding
from pipelines.outcomes.moments import MONEY, Moments, moments
from pipelines.outcomes.ranking import SCHEMA, value_ranking

D = Decimal
UNITS = {"workflow": pl.String, "unit_id": pl.String, "spend": MONEY, "value": MONEY}
TOTALS = {
    "workflow": pl.String, "unit": pl.String, "outcomes": pl.Int64, "spend_usd": MONEY, "value_usd": MONEY,
    "outcome_events": pl.Int64,
}  # fmt: skip


def world(**workflows: list[tuple[str, str]]) -> tuple[dict[str, Moments], pl.DataFrame, D]:
    """As `frames`, with the moments of the units."""
    units, totals, total = frames(**workflows)
    return moments(units), totals, total


def frames(**workflows: list[tuple[str, str]]) -> tuple[pl.DataFrame, pl.DataFrame, D]:
    """Frames of units and totals from `name=[(spend, value) per unit]`: a unit with a value above 0 is one outcome."""
    units, totals = [], []
    for name, rows in workflows.items():
        pairs = [(D(spend), D(value)) for spend, value in rows]
        units += [(name, f"{name}-{i}", spend, value) for i, (spend, value) in enumerate(pairs)]
        spend, value = sum((p[0] for p in pairs), D(0)), sum((p[1] for p in pairs), D(0))
        good = sum(1 for p in pairs if p[1] > 0) - sum(1 for p in pairs if p[1] < 0)
        totals.append((name, "document", good, spend, value, len(pairs)))
    total = sum((row[3] for row in totals), D(0))
    return (
        pl.DataFrame(units, schema=UNITS, orient="row"),
        pl.DataFrame(totals, schema=TOTALS, orient="row"),
        total,
    )


def spread_out(spend: str, value: str, n: int) -> list[tuple[str, str]]:
    """n units of about this spend, each ±10 % in turn, all good."""
    return [(str(D(spend) * (D("1.1") if i % 2 else D("0.9"))), value) for i in range(n)]


def test_two_workflows_are_ranked_with_exact_ratios():
    ranking = value_ranking(*world(slow=[("3", "1")] * 6, fast=[("1", "2")] * 6))
    assert ranking.schema == pl.Schema(SCHEMA)
    assert ranking.rows() == [
        (1, 1, "fast", "document", 6, D("6"), D("0.25"), D("12"), D("2"), D("2"), D("2"), D("1"), None),
        (2, 2, "slow", "document", 6, D("18"), D("0.75"), D("6"), D("0.333333333333"), D("0.333333333333"),
         D("0.333333333333"), D("3"), None),
    ]  # fmt: skip


def test_a_ratio_is_rounded_half_even_to_twelve_places_without_a_float():
    known, totals, total = world(a=[("0.000000000001", "1")] * 5 + [("900000000000.000000000001", "0")])
    row = value_ranking(known, totals, total).to_dicts()[0]
    assert row["value_per_usd"] == D("0.000000000006")
    assert row["break_even_value_usd"] == D("180000000000.000000000001")  # …0000012 exactly
    half = value_ranking(*world(b=[("8", "0.00000000002")] * 5)).to_dicts()[0]
    assert half["value_per_usd"] == D("0.000000000002")  # 2.5e-12: the even neighbour


def test_workflows_that_cannot_be_compared_are_listed_last_with_the_reason():
    few = [("1", "2")] * 4 + [("1", "0")] * 4
    known, totals, total = world(good=[("1", "2")] * 5, few=few, lost=[("1", "0")] * 7, back=[("1", "-1")] * 3)
    rest = pl.DataFrame(
        [
            ("mute", "run", 0, D("5"), D("0"), 0),
            ("free", "run", 9, D("0"), D("9"), 9),
            ("priceless", "run", 9, D("9"), None, 9),
            ("unpriced", "run", 9, None, D("9"), 9),
            ("worthless", "run", 9, D("9"), D("0"), 9),
            ("daily", "run", 9, D("9"), D("9"), 9),
            ("idle", "run", 0, D("0"), None, 3),
        ],
        schema=TOTALS,
        orient="row",
    )
    ranking = value_ranking(known, pl.concat([totals, rest]), total)
    assert ranking.select("rank", "band", "workflow", "note").rows() == [
        (1, 1, "good", None),
        (None, None, "back", "all failed"),
        (None, None, "daily", "no units to compute an interval from"),
        (None, None, "few", "fewer than five outcomes"),
        (None, None, "free", "no spend"),
        (None, None, "idle", "fewer than five outcomes; no value declared; no spend"),
        (None, None, "lost", "all failed"),
        (None, None, "mute", "no outcomes reported"),
        (None, None, "priceless", "no value declared"),
        (None, None, "unpriced", "no priced spend"),
        (None, None, "worthless", "value is zero"),
    ]
    few_row = ranking.filter(pl.col("workflow") == "few").to_dicts()[0]
    assert (few_row["value_per_usd"], few_row["low"], few_row["break_even_value_usd"]) == (D(1), None, D(2))
    lost = ranking.filter(pl.col("workflow") == "lost").to_dicts()[0]
    assert lost["break_even_value_usd"] is None


def test_neighbours_that_the_data_cannot_tell_apart_share_a_band():
    ranking = value_ranking(
        *world(
            best=spread_out("1", "5", 40),
            middle=spread_out("1", "2.01", 40),
            likewise=spread_out("1", "2", 40),
            least=spread_out("1", "1", 40),
        )
    )
    assert ranking.select("rank", "band", "workflow").rows() == [
        (1, 1, "best"),
        (2, 2, "middle"),
        (3, 2, "likewise"),
        (4, 3, "least"),
    ]


def test_a_lucky_handful_does_not_outrank_a_proven_workflow():
    lucky = [("0.2", "9"), ("5", "1"), ("1", "9"), ("7", "2"), ("1", "9"), ("4", "0")]
    ranking = value_ranking(*world(lucky=lucky, proven=spread_out("1", "1.6", 400), low=spread_out("1", "1", 400)))
    raw = dict(ranking.select("workflow", "value_per_usd").rows())
    assert raw["lucky"] > raw["proven"]
    assert ranking["workflow"].to_list()[0] == "proven"


def test_the_order_of_the_rows_makes_no_difference():
    units, totals, total = frames(a=spread_out("1", "3", 9), b=spread_out("2", "3", 30), c=spread_out("2", "3", 30))
    expected = value_ranking(moments(units), totals, total)
    assert value_ranking(moments(units.reverse()), totals.reverse(), total).equals(expected)


def test_the_finding_names_share_and_return_of_the_least():
    known, totals, total = world(
        contract_review=spread_out("1", "6.5", 40),
        claims=spread_out("2", "8", 40),
        support=spread_out("2.9", "9", 40),
        internal_reporting=spread_out("4.1", "2.542", 40),
    )
    ranking = value_ranking(known, totals, total)
    assert finding(ranking) == (
        "Internal reporting took 41 % of spend and returned $0.62 per dollar, the least of four workflows."
    )
    assert finding(value_ranking(known, totals, total * 5)) is None  # 8 % of all spend is no large share


def test_no_finding_where_the_data_does_not_support_one():
    alike = world(a=spread_out("1", "2", 40), b=spread_out("1", "2.01", 40))
    alone = world(a=spread_out("1", "2", 40))
    assert finding(value_ranking(*alike)) is None
    assert finding(value_ranking(*alone)) is None
    assert finding(pl.DataFrame(schema=SCHEMA)) is None


@pytest.mark.parametrize(
    "workflows",
    [
        {},
        {"a": []},
        {"a": [("1", "1")]},
        {"a": [("1", "1")] * 5},
        {"a": [("0", "1")] * 5},
        {"a": [("1", "0")] * 5},
        {"a": [("1", "1")] * 5, "b": [("1", "1")] * 5, "c": [("1", "1")] * 5},
        {"a": [("1", "1")] * 5, "b": [("1000000", "0.000001")] * 5},
        {"a": [("1", "1")] * 6 + [("1", "-5.999999999999")]},
        {"a": [("0.000000000001", "1000000000000")] * 5 + [("0", "0")]},
    ],
)
def test_degenerate_inputs_give_rows_without_crash_or_nan(workflows):
    ranking = value_ranking(*world(**workflows))
    assert ranking.height == len(workflows)
    for row in ranking.to_dicts():
        for name in ("spend_share", "value_per_usd", "low", "high", "break_even_value_usd"):
            assert row[name] is None or row[name].is_finite()
        assert (row["rank"] is None) == (row["note"] is not None)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "least"), [(10, 0.83), (100, 0.87)])
def test_a_ninety_percent_interval_covers_the_truth(n, least):
    """Lognormal spend, 85 % success, lognormal value."""
    worlds = 4000 if os.environ.get("OUTLAY_FULL") == "1" else 600
    rng = np.random.default_rng(2811)
    truth = 0.85 * 4 * math.exp(0.4**2 / 2) / (0.5 * math.exp(0.6**2 / 2))
    covered = total = 0
    for start in range(0, worlds, 100):
        names = [f"w{start + i}" for i in range(100)]
        drawn = {}
        for name in names:
            spend = 0.5 * rng.lognormal(0, 0.6, n)
            value = 4 * rng.lognormal(0, 0.4, n) * (rng.random(n) < 0.85)
            drawn[name] = [(f"{c:.12f}", f"{v:.12f}") for c, v in zip(spend, value, strict=True)]
        ranked = value_ranking(*world(**drawn)).filter(pl.col("rank").is_not_null())
        total += ranked.height
        covered += ranked.filter((pl.col("low") <= D(str(truth))) & (pl.col("high") >= D(str(truth)))).height
    assert total > 0.95 * worlds
    assert covered / total >= least


def test_moments_are_exact_for_amounts_of_any_size_and_sign():
    chance = random.Random(5)
    sizes = (10**3, 10**12, 10**20, 10**26)
    rows: list[tuple[str, int | None, int | None]] = [
        (f"w{i % 3}", chance.randrange(sizes[i % 4]), chance.randrange(-sizes[(i // 3) % 4], sizes[(i // 3) % 4]))
        for i in range(500)
    ]
    rows += [("w0", None, 0), ("w1", 0, None), ("w3", None, None)]
    units = pl.DataFrame(
        [(w, *(None if x is None else Decimal(x).scaleb(-12) for x in amounts)) for w, *amounts in rows],
        schema={"workflow": pl.String(), "spend": MONEY, "value": MONEY}, orient="row",
    )  # fmt: skip
    expected = {}
    for name in ("w0", "w1", "w2", "w3"):
        mine = [(v or 0, c or 0) for w, c, v in rows if w == name]
        expected[name] = (
            len(mine), sum(v for v, _ in mine), sum(c for _, c in mine), sum(v * v for v, _ in mine),
            sum(v * c for v, c in mine), sum(c * c for _, c in mine),
        )  # fmt: skip
    assert moments(units) == expected
