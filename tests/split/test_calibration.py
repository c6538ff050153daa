"""A judge is calibrated against the labels of the same items, whichever mark of an item counts."""

from __future__ import annotations

import random

import pytest

from tests.split.test_published_split import mark
from tests.workspaces import Bench, call

EARLY, LATE = "2026-10-19T08:00:00Z", "2026-10-19T09:00:00Z"


def judged_pairs(agreeing: bool, label_time: str) -> tuple[list[dict], list[dict]]:
    """A judge's marks of 300 items for both models, and labels of 30 of them for the dear one."""
    chance = random.Random(7)
    marks, labels = [], []
    for n in range(300):
        right = float(chance.random() < 0.9)
        marks += [
            mark(n, model, right, signal="judge", time="2026-10-19T08:30:00Z") for model in ("gpt-5.4", "gpt-5-mini")
        ]
        if n < 30:
            labels.append(mark(n, "gpt-5.4", right if agreeing else 1 - right, time=label_time))
    return marks, labels


@pytest.mark.parametrize("label_time", [EARLY, LATE])
@pytest.mark.parametrize(("agreeing", "decision"), [(True, "switch"), (False, "experiment")])
def test_labels_calibrate_a_judge_whichever_came_last(bench: Bench, agreeing: bool, decision: str, label_time: str):
    marks, labels = judged_pairs(agreeing, label_time)
    bench.calls(*(call(f"x{n}", unit_id=f"d{n}") for n in range(40)))
    bench.evals(*marks, *labels)
    counted = bench.run()["records"]
    assert (counted["stored"], counted["superseded"]) == (640, 30)  # 600 marks that count, 40 calls, 30 marks that lost
    [one] = bench.published.recommendations["recommendations"]
    assert one["decision"] == decision
    expected = 0 if decision == "experiment" else 300 if label_time == EARLY else 270
    assert one["items"] == expected, "the latest mark of an item and model is the one that counts"


def test_marks_in_any_order_and_number_of_runs_publish_the_same(tmp_path):
    marks, labels = judged_pairs(True, LATE)
    prints = []
    for name, parts in {
        "once": [marks + labels],
        "labels first": [labels, marks],
        "halves": [marks[::2], [*labels, *marks[::3]], marks[1::2]],
    }.items():
        bench = Bench(tmp_path / name)
        bench.calls(*(call(f"x{n}", unit_id=f"d{n}") for n in range(40)))
        for number, part in enumerate(parts):
            bench.evals(*part, file=f"{number}.jsonl")
            bench.run()
        again = bench.evals(*labels, file="again.jsonl")
        assert bench.run()["records"]["duplicate"] == 30, "a mark that lost or won before says nothing new"
        again.unlink()
        prints.append(bench.fingerprint())
    assert prints[0] == prints[1] == prints[2]
