"""A router is a candidate like any model: what it costs and how good it is, its own evaluations say."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.split.worlds import DEAR, advise, marks_of, only, share_of, traffic_of, whatif_of, workspace
from tests.workspaces import BASE, Bench, call

ROUTER = "router/auto"
GOOD = [1.0] * 380 + [0.0] * 20
TIERS = {"light": [ROUTER], "frontier": [DEAR]}


def test_a_router_saves_what_its_pairs_say_of_what_was_spent():
    marks = [marks_of("triage", DEAR, GOOD, "0.02"), marks_of("triage", ROUTER, GOOD, "0.008")]
    one = only(advise(workspace(TIERS), marks, [traffic_of("triage", DEAR, 2800, "280")]))
    assert (one.decision, share_of(one, ROUTER), one.saving_share) == ("switch", 1.0, 0.6)
    assert one.saving_usd_month == Decimal("180.000000000000")  # 280 · (1 − 0.008/0.02) · 30/28


def test_a_router_that_costs_more_than_the_model_it_replaces_is_not_taken():
    marks = [marks_of("triage", DEAR, GOOD, "0.02"), marks_of("triage", ROUTER, GOOD, "0.021")]
    one = only(advise(workspace(TIERS), marks, [traffic_of("triage", DEAR, 2800, "280")]))
    assert (one.decision, share_of(one, ROUTER)) == ("keep", 0.0)


def test_a_router_is_weighed_against_priced_models_on_the_same_spend():
    """The evaluations' tokens are a tenth of the live ones; dollars of pairs and of traffic must not be mixed."""
    tiers = {"light": [ROUTER, "maker/cheap"], "frontier": [DEAR]}
    marks = [
        marks_of("triage", DEAR, GOOD, "0.02"),
        marks_of("triage", ROUTER, GOOD, "0.004"),
        marks_of("triage", "maker/cheap", GOOD, "0.01"),
    ]
    traffic = [traffic_of("triage", DEAR, 2800, "560")]
    one = only(advise(workspace(tiers), marks, traffic, whatif_of("triage", "maker/cheap", "280")))
    assert share_of(one, ROUTER) == 1.0


@pytest.mark.parametrize("workflow_in", ["metadata", "source"])
def test_promptfoo_marks_of_a_router_become_a_switch_to_it(tmp_path: Path, workflow_in: str):
    at_source = {"workflow": "review", "task_type": "extraction"} if workflow_in == "source" else {}
    source = {"name": "evals", "kind": "promptfoo", "path": "logs/promptfoo/*.json", **at_source}
    tiers = [
        {"name": "frontier", "rank": 2, "models": ["openai/gpt-5.4"]},
        {"name": "auto", "rank": 1, "models": [ROUTER]},
    ]
    bench = Bench(tmp_path, {"sources": [BASE["sources"][0], source], "tiers": tiers})
    bench.calls(*(call(f"r{n}", unit_id=f"d{n}") for n in range(40)))
    metadata = {} if at_source else {"workflow": "review", "task_type": "extraction"}
    rows = [
        {
            "provider": {"id": provider, "label": label}, "promptIdx": 0, "testIdx": n, "success": n % 10 > 0,
            "score": float(n % 10 > 0), "latencyMs": 500, "cost": cost, "vars": {"question": f"question {n}"},
            "testCase": {"metadata": metadata, "assert": [{"type": "equals", "value": "a"}]},
            "response": {"output": "a", "tokenUsage": {"prompt": 1000, "completion": 100, "total": 1100}},
        }
        for n in range(300)
        for provider, label, cost in (("openai:gpt-5.4", "", 0.004), ("https://gateway.example", ROUTER, 0.001))
    ]  # fmt: skip
    document = {"evalId": "e1", "results": {"version": 3, "timestamp": "2026-10-19T08:00:00Z", "results": rows}}
    bench.lines("logs/promptfoo/a.json", [json.dumps(document)])
    assert bench.run()["records"] == {"read": 640, "stored": 640, "duplicate": 0, "superseded": 0, "quarantined": 0}
    [one] = bench.published.recommendations["recommendations"]
    assert (one["decision"], one["grade"], one["routes"]) == ("switch", "A", [{"model": ROUTER, "share": 1.0}])
    assert (one["items"], one["saving_share"]) == (300, 0.75)
    assert one["saving_usd_month"] == "3.600000000000"  # 40 calls of $0.004 on the one day that there is, · 0.75 · 30
