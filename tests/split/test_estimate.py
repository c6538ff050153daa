"""A planned workflow's cost before its first call, against sums by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pipelines.split.estimate import PlannedTask, estimate, planned_task, start_of
from pipelines.workspace.errors import UsageError
from tests.workspaces import Bench, call

AT = datetime(2026, 10, 20, 12, tzinfo=UTC)


def test_each_task_is_priced_on_each_tier_and_the_needed_one_is_named(bench: Bench):
    bench.config["capabilities"] = {"extraction": "light", "reasoning": "frontier"}
    bench.save()
    tasks = [
        planned_task("extraction:input=1000,output=100,calls=2", None),
        planned_task("judge:input=2000,cached=1000,output=1000,capability=reasoning", None),
    ]
    document = estimate(bench.loaded, tasks, 1000, AT)
    # gpt-5.4: $2.50 in, $0.25 cached, $15 out per million; gpt-5-mini: $0.25, $0.025, $2
    assert [(r["task"], r["model"], r["needed_tier"], r["cost_per_outcome_usd"]) for r in document["tasks"]] == [
        ("extraction", "openai/gpt-5-mini", "light", "0.0009"),
        ("extraction", "openai/gpt-5.4", "light", "0.008"),
        ("judge", "openai/gpt-5-mini", "frontier", "0.002275"),
        ("judge", "openai/gpt-5.4", "frontier", "0.01775"),
    ]
    assert document["ways"] == {
        "needed": {
            "models": {"extraction": "openai/gpt-5-mini", "judge": "openai/gpt-5.4"},
            "cost_per_outcome_usd": "0.01865", "cost_month_usd": "18.65",
        },
        "dearest": {
            "models": {"extraction": "openai/gpt-5.4", "judge": "openai/gpt-5.4"},
            "cost_per_outcome_usd": "0.02575", "cost_month_usd": "25.75",
        },
    }  # fmt: skip


def test_the_shape_can_be_that_of_a_task_that_already_runs(bench: Bench):
    bench.calls(
        call("a", unit_id="d1", input_tokens=1000, output_tokens=100, cache_read_tokens=500),
        call("b", unit_id="d1", input_tokens=3000, output_tokens=300),
        call("c", unit_id="d2", input_tokens=2000, output_tokens=200, cache_read_tokens=100),
        call("e", unit_id="d3", status="error", input_tokens=0, output_tokens=0),
    )
    bench.run()
    task = planned_task("drafting:like=review/extraction,calls=4", bench.published)
    assert task == PlannedTask("drafting", None, Decimal(4), 2000, 200, 200)
    assert planned_task("x:like=review/extraction", bench.published).calls == Decimal("1.50")
    assert start_of(bench.published) == datetime(2026, 10, 20, 12, tzinfo=UTC)


def test_a_model_without_a_rate_has_no_cost_and_no_way_over_it_has_one(bench: Bench):
    bench.config["tiers"] = [{"name": "only", "rank": 1, "models": ["acme/unheard-of"]}]
    bench.save()
    document = estimate(bench.loaded, [planned_task("extraction:input=1,output=1", None)], 10, AT)
    assert document["tasks"][0]["cost_per_outcome_usd"] is None
    assert document["ways"]["dearest"] == {
        "models": {"extraction": None}, "cost_per_outcome_usd": None, "cost_month_usd": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extraction", "expected NAME:KEY=VALUE"),
        ("extraction:input=4000", "output is missing"),
        ("extraction:input=4e3,output=1", "whole number of tokens, found '4e3'"),
        ("extraction:input=1,output=1,cached=2", "cached 2 is more than input 1"),
        ("extraction:input=1,output=1,calls=0", "calls must be a number above 0"),
        ("extraction:input=1,output=1,colour=red", "expected NAME:KEY=VALUE"),
        ("extraction:like=review/extraction", "nothing is published yet"),
        ("a/b:input=1,output=1", "expected NAME:KEY=VALUE"),
    ],
)
def test_a_plan_that_cannot_be_read_says_what_was_expected(text: str, said: str):
    with pytest.raises(UsageError, match=said):
        planned_task(text, None)
