"""A switch by recorded difficulty on the split page and in its file: a row a stratum."""

from __future__ import annotations

import random

import pytest

from dashboards import evidence, sheet
from tests.dashboards.reading import frame, said
from tests.split.test_published_split import mark
from tests.workspaces import Bench, call


@pytest.fixture
def by_difficulty(bench: Bench) -> Bench:
    """gpt-5-mini is right on what is easy and fails on half of what is hard; two in three calls are easy."""
    bench.config["workflows"]["review"]["quality"] = {"floor": 0.95}
    bench.save()
    chance = random.Random(11)
    strata = ["hard" if n % 3 == 0 else "easy" for n in range(600)]
    bench.calls(*(call(f"x{n}", unit_id=f"d{n}", stratum=stratum) for n, stratum in enumerate(strata[:210])))
    marks = []
    for n, stratum in enumerate(strata):
        right = float(chance.random() < 0.9)
        light = right if stratum == "easy" else right * float(chance.random() < 0.5)
        marks += [mark(n, "gpt-5.4", right, stratum=stratum), mark(n, "gpt-5-mini", light, stratum=stratum)]
    bench.evals(*marks)
    bench.run()
    return bench


def test_each_stratum_says_what_of_it_moves_and_what_that_keeps_and_saves(show, by_difficulty: Bench):
    [item] = by_difficulty.published.recommendations["recommendations"]
    assert [part["stratum"] for part in item["strata"]] == ["easy", "hard"]
    at = show(by_difficulty.root, "split")
    assert not at.exception
    assert "By recorded difficulty" in said(at)
    easy, hard = frame(at, "Stratum", "Share moved")
    assert (easy["Stratum"], easy["Share of traffic"], easy["Share moved"], easy["Proposed"]) == (
        "Easy",
        item["strata"][0]["requests_share"],
        1.0,
        "gpt-5-mini 100\u00a0%",
    )
    assert (hard["Stratum"], hard["Share moved"]) == ("Hard", 0.0)
    for shown, part, what in zip((easy, hard), item["strata"], ("", " if moved"), strict=True):
        assert shown["Quality kept (90 %)"] == evidence.with_interval(part, "retention", "retention") + what
        assert shown["Saving (90 %)"] == evidence.with_interval(part, "saving_share", "saving") + what
        assert shown["Pairs"] == part["items"]
    [kept] = [
        parts for kind, parts in at.session_state[sheet._SHEET].blocks if kind == "table" and "Stratum" in str(parts)
    ]
    assert "Easy" in str(kept)
    assert "Hard" in str(kept)


def test_a_task_type_that_difficulty_does_not_cut_has_no_such_table(show, sample):
    at = show(sample, "split")
    assert "By recorded difficulty" not in said(at)
