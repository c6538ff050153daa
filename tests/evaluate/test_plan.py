"""The items that an experiment asks for."""

from __future__ import annotations

import pytest

from pipelines.evaluate.plan import COLUMNS, evaluation_plan, replay_document
from pipelines.workspace.errors import UsageError
from tests.workspaces import Bench, call


def asking(bench: Bench, calls: int = 60) -> Bench:
    bench.calls(
        *(call(f"r{n}", unit_id=f"d{n // 2}") for n in range(calls)),
        call("failed", unit_id="d900", status="error", input_tokens=0, output_tokens=0),
    )
    return bench


def test_a_unit_is_drawn_once_and_only_ids_leave(bench: Bench):
    asking(bench).run()
    plan = evaluation_plan(bench.published)
    assert tuple(plan.columns) == COLUMNS
    assert sorted(plan["item_id"].to_list()) == sorted(f"d{n}" for n in range(30))
    assert set(plan.select("reference_model", "candidate_model").iter_rows()) == {
        ("openai/gpt-5.4", "openai/gpt-5-mini")
    }
    assert plan["item_id"].to_list() != sorted(plan["item_id"].to_list())  # drawn, not the first ones
    assert replay_document(plan)["count"] == 30


def test_the_draw_is_the_same_whatever_order_the_logs_came_in(bench: Bench, tmp_path):
    asking(bench).run()
    other = Bench(tmp_path / "other", bench.config)
    other.calls(*(call(f"r{n}", unit_id=f"d{n // 2}") for n in reversed(range(60))), file="z.jsonl")
    other.run()
    assert evaluation_plan(other.published).equals(evaluation_plan(bench.published))


def test_what_both_models_answered_is_not_asked_for_again(bench: Bench):
    asking(bench)
    mark = {
        "workflow": "review", "task_type": "extraction", "provider": "openai", "quality": 1, "signal": "label",
        "time": "2026-10-19T08:00:00Z", "input_tokens": 1, "output_tokens": 1,
    }  # fmt: skip
    bench.evals(
        {**mark, "item_id": "d3", "model": "gpt-5.4"}, {**mark, "item_id": "d3", "model": "gpt-5-mini"},
        {**mark, "item_id": "d4", "model": "gpt-5.4"},
    )  # fmt: skip
    bench.run()
    drawn = evaluation_plan(bench.published)["item_id"].to_list()
    assert ("d3" in drawn, "d4" in drawn) == (False, True)


def test_no_more_items_than_pairs_are_asked_for(bench: Bench):
    asking(bench, 6000).run()
    (one,) = bench.published.recommendations["recommendations"]
    assert len(evaluation_plan(bench.published)) == one["experiment"]["pairs"] < 3000


def test_where_nothing_is_open_it_says_so(bench: Bench):
    asking(bench).run()
    with pytest.raises(UsageError, match="no recommendation asks for evidence for claims"):
        evaluation_plan(bench.published, "claims")
