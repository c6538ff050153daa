"""What the split publishes beside its recommendations, from a workspace's own logs."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest

from pipelines.console.checks import check_workspace
from pipelines.console.headline import recommend_text
from pipelines.workspace.errors import NothingPublished
from tests.workspaces import Bench, call

CAPABLE = {
    "workflows": {"review": {"unit": "document", "tasks": {"extraction": "extraction", "judging": "reasoning"}}},
    "capabilities": {"extraction": "light", "reasoning": "frontier"},
}


def mark(item: int, model: str, quality: float, **fields) -> dict:
    return {
        "workflow": "review", "task_type": "extraction", "item_id": f"i{item}", "provider": "openai", "model": model,
        "quality": quality, "time": "2026-10-19T08:00:00Z", "signal": "label", "input_tokens": 1000,
        "output_tokens": 100, **fields,
    }  # fmt: skip


@pytest.fixture
def judged(bench: Bench) -> Bench:
    bench.config |= CAPABLE
    bench.save()
    chance = random.Random(4)
    bench.calls(
        *(call(f"x{n}", unit_id=f"d{n}") for n in range(40)),
        *(call(f"j{n}", unit_id=f"d{n}", task_type="judging", model="gpt-5-mini") for n in range(40)),
        *(call(f"u{n}", unit_id=f"d{n}", task_type=None, output_tokens=8) for n in range(3)),
    )
    marks = []
    for n in range(300):
        right = float(chance.random() < 0.9)
        marks += [mark(n, "gpt-5.4", right), mark(n, "gpt-5-mini", right)]
    bench.evals(*marks)
    return bench


def test_the_curve_the_capabilities_and_the_profile_are_exported(judged: Bench):
    judged.run()
    curve = {(row["point"], row["target"]): row for row in judged.export("frontier")}
    assert len(curve) == 16
    assert Decimal(curve["today", ""]["saving_share"]) == 0
    promised = judged.published.recommendations["workflows"][0]
    assert float(curve["recommended", "0.950000000000"]["saving_share"]) == promised["saving_share"] > 0.7
    assert [(row["task_type"], row["kind"]) for row in judged.export("capability")] == [
        ("extraction", "served_above"), ("judging", "served_below"),
    ]  # fmt: skip
    profile = [
        (row["tagged"], row["inferred_kind"], row["requests"], row["usual_tier"], row["looks_lighter"])
        for row in judged.export("workload_profile")
    ]
    assert profile == [
        ("false", "classification", "3", "light", "true"),
        ("true", "extraction", "40", "light", "true"),
        ("true", "extraction", "40", "light", "false"),
    ]


def test_items_that_were_replayed_after_the_last_request_count(bench: Bench):
    """But not for a look back to a day before it."""
    bench.calls(*(call(f"x{n}", unit_id=f"d{n}") for n in range(40)))
    marks = [
        mark(n, model, float(n % 10 > 0), time="2026-10-25T08:00:00Z")
        for n in range(300) for model in ("gpt-5.4", "gpt-5-mini")
    ]  # fmt: skip
    bench.evals(*marks)
    bench.run()
    document = bench.published.recommendations
    assert (document["as_of"], document["recommendations"][0]["decision"]) == ("2026-10-20", "switch")
    bench.calls(call("later", time="2026-10-26T10:00:00Z"), file="b.jsonl")
    bench.run()
    assert bench.published.recommendations["recommendations"][0]["items"] == 300
    bench.run(last=date(2026, 10, 21))
    document = bench.published.recommendations
    assert (document["as_of"], document["recommendations"][0]["items"]) == ("2026-10-21", 0)


def test_recommend_says_what_the_dearest_tiers_work_looks_like(judged: Bench):
    """Per the shapes: 40 extractions of $0.004 look light; three classifications of $0.00262 as well."""
    judged.run()
    said = recommend_text(judged.published, judged.loaded.config.tiers).splitlines()
    assert said[-2:] == [
        "Of $0.17 that ran on frontier in 28 days, $0.17 (100%) looks by its shape like a lighter tier's work.",
        "  Inferred from sizes alone: where to look first, never evidence for a switch (outlay export workload_profile).",
    ]
    assert "lighter tier" not in recommend_text(judged.published)


def test_a_strict_check_fails_on_work_that_runs_above_what_it_is_declared_to_need(judged: Bench):
    with pytest.raises(NothingPublished):
        check_workspace(judged.loaded, strict=True)
    judged.run()
    assert check_workspace(judged.loaded)["ok"]
    strict = check_workspace(judged.loaded, strict=True)
    assert strict["ok"] is False
    assert strict["errors"] == [
        "workflows.review.tasks: extraction is declared as extraction (light) and runs on frontier.",
        "workflows.review.tasks: judging is declared as reasoning (frontier) and runs on light only.",
    ]


def test_an_empty_workspace_publishes_empty_tables(bench: Bench):
    bench.run()
    assert [bench.export(name) for name in ("frontier", "capability", "workload_profile")] == [[], [], []]


def test_a_saving_on_capacity_that_is_paid_for_anyway_is_no_cash(judged: Bench):
    judged.run()
    before = judged.published.recommendations["recommendations"][0]
    assert before["cash_saving_usd_month"] == before["saving_usd_month"] != "0"
    (judged.root / "rates.yaml").write_text(
        "commitments:\n- {name: yearly, provider: openai, models: ['*'], amount_usd: '5000', period: year, "
        "valid_from: 2026-01-01, valid_to: 2027-01-01}\n"
    )
    judged.config["rates"] = {"contract": "rates.yaml"}
    judged.save()
    judged.run(full=True)
    after = judged.published.recommendations["recommendations"][0]
    assert (after["saving_usd_month"], after["cash_saving_usd_month"]) == (before["saving_usd_month"], "0")
    assert "None of it is cash now: openai/gpt-5.4 is paid for" in after["reason"]
    assert after["id"] == before["id"]
    exported = judged.export("recommendations")[0]
    assert Decimal(exported["cash_saving_usd_month"]) == 0
