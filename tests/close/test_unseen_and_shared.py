"""Spend that no log shows, and costs that serve several workflows: views of their own, exact to the last unit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.console.headline import run_text
from pipelines.workspace.errors import UsageError
from tests.close.bench import anthropic_bill, close_bench, cost, items, openai_bill, status
from tests.workspaces import BASE, call, event

DAY = "2026-10-20"
IN = "gpt-5.4, input_tokens"
LATER = call("later", time="2026-11-02T10:00:00Z", provider="mistral", model="mistral-large-latest", workflow=None)


def test_unseen_spend_goes_where_a_rule_maps_its_account_and_is_unattributed_else(tmp_path):
    bench = close_bench(
        tmp_path,
        assign=[{"match": {"project": "proj_claims*"}, "workflow": "claims"}],
        close={"unseen": [{"provider": "openai", "account": "proj_x*", "workflow": "review"}]},
    )
    bench.calls(call("1", output_tokens=0), LATER)
    openai_bill(
        bench,
        {
            DAY: [cost(IN, "0.0025", 1000, "proj_x1")],
            "2026-10-21": [cost(IN, "0.25", 100_000, "proj_x1")],
            "2026-10-22": [cost(IN, "0.75", 300_000, "proj_claims1")],
            "2026-10-23": [cost(IN, "0.50", 200_000, "proj_other")],
            "2026-10-24": [cost(IN, "0.10", 40_000, "proj_other"), cost(IN, "0.30", 120_000, "proj_x2")],
        },
    )
    bench.run()
    rows = [tuple(r.values()) for r in bench.export("unseen_spend")]
    assert rows == [
        ("2026-10", "openai", "proj_claims1", "claims", "assign", "0.750000000000", "account", ""),
        ("2026-10", "openai", "proj_other", "", "unattributed", "0.500000000000", "account", ""),
        ("2026-10", "openai", "proj_other", "", "unattributed", "0.100000000000", "share of the bill", ""),
        ("2026-10", "openai", "proj_x1", "review", "rule", "0.250000000000", "account", ""),
        ("2026-10", "openai", "proj_x2", "review", "rule", "0.300000000000", "share of the bill", ""),
    ]
    assert items(bench, "2026-10") == {"not metered": "1.9"}
    assert [r["spend_usd"] for r in bench.export("daily_cost")] == ["0.002500000000"]  # never mixed


def test_unseen_spend_goes_where_a_rule_maps_its_key(tmp_path):
    bench = close_bench(
        tmp_path,
        close={
            "unseen": [
                {"key": "key_batch*", "workflow": "review"},
                {"account": "p1", "key": "key_2", "workflow": "claims"},
            ]
        },
    )
    bench.calls(call("1", output_tokens=0), LATER)
    openai_bill(
        bench,
        {
            DAY: [cost(IN, "0.0025", 1000, "p1", "key_1")],
            "2026-10-21": [cost(IN, "0.25", 100_000, "p1", "key_batch7"), cost(IN, "0.50", 200_000, "p1", "key_2")],
            "2026-10-22": [cost(IN, "0.75", 300_000, "p2", "key_2")],
        },
    )
    bench.run()
    rows = [
        (r["account"], r["api_key"], r["workflow"], r["method"], r["amount_usd"], r["basis"])
        for r in bench.export("unseen_spend")
    ]
    assert rows == [
        ("p1", "key_2", "claims", "rule", "0.500000000000", "share of the bill"),
        ("p1", "key_batch7", "review", "rule", "0.250000000000", "share of the bill"),
        ("p2", "key_2", "", "unattributed", "0.750000000000", "key"),
    ]
    assert items(bench, "2026-10") == {"not metered": "1.5"}


def test_a_rule_for_unseen_spend_asks_for_an_account_or_a_key(tmp_path):
    bench = close_bench(tmp_path, close={"unseen": [{"provider": "openai", "workflow": "review"}]})
    with pytest.raises(UsageError, match="expected account or key"):
        bench.run()


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("equal", ["500.000000000000", "500.000000000000"]),
        ("requests", ["333.333333333333", "666.666666666667"]),
        ("tokens", ["333.333333333333", "666.666666666667"]),
        ("spend", ["333.333333333333", "666.666666666667"]),
        ("outcomes", ["0.000000000000", "1000.000000000000"]),
    ],
)
def test_a_shared_cost_is_spread_by_its_driver_and_sums_to_its_amount(tmp_path, driver, expected):
    shared = {"name": "gateway", "monthly_usd": "1000", "from": "2026-10-15", "driver": driver}
    bench = close_bench(tmp_path, close={"shared": [shared]})
    bench.calls(call("1"), call("2"), call("3", workflow="claims"))
    bench.outcomes(event("e1"))
    bench.run()
    rows = bench.export("shared_costs")
    assert [(r["workflow"], r["shared_usd"]) for r in rows] == list(zip(["claims", "review"], expected, strict=True))
    assert sum(Decimal(r["shared_usd"]) for r in rows) == 1000
    assert all(Decimal(r["full_usd"]) == Decimal(r["direct_usd"]) + Decimal(r["shared_usd"]) for r in rows)
    assert [r["direct_usd"] for r in rows] == ["0.004000000000", "0.008000000000"]


def test_a_shared_cost_without_its_driver_is_borne_by_nobody(tmp_path):
    shared = [
        {"name": "vectors", "monthly_usd": "70", "driver": "outcomes"},
        {"name": "old", "monthly_usd": "5", "driver": "equal", "to": "2026-09-30"},
    ]
    bench = close_bench(tmp_path, close={"shared": shared})
    bench.calls(call("1"))
    bench.run()
    assert [tuple(r.values()) for r in bench.export("shared_costs")] == [
        ("2026-10", "vectors", "", "outcomes", "0.000000000000", "70.000000000000", "70.000000000000")
    ]


def test_the_workspace_file_is_checked(tmp_path):
    bench = close_bench(tmp_path, close={"unseen": [{"account": "p*", "workflow": "nothing"}]})
    with pytest.raises(UsageError, match="unknown workflow 'nothing'"):
        bench.run()


def test_bills_alone_show_billed_spend_and_name_the_log_that_is_missing(tmp_path):
    bench = close_bench(tmp_path)
    openai_bill(
        bench,
        {
            DAY: [cost("gpt-5.4-2026-03-05, input_tokens", "4.50", 1_800_000, "proj_a"), cost("credit", "-1")],
            "2026-10-21": [cost("gpt-5-mini, output_tokens", "2.00", 1_000_000, "proj_b")],
        },
    )
    anthropic_bill(bench, {DAY: [("Claude Sonnet 5 Usage - Input Tokens", "claude-sonnet-5", "300")]})
    document = bench.run()
    rows = [(r["day"], r["provider"], r["account"], r["model"], r["billed_usd"]) for r in bench.export("billed")]
    assert rows == [
        (DAY, "anthropic", "", "claude-sonnet-5", "3.000000000000"),
        (DAY, "openai", "", "", "-1.000000000000"),
        (DAY, "openai", "proj_a", "gpt-5.4-2026-03-05", "4.500000000000"),
        ("2026-10-21", "openai", "proj_b", "gpt-5-mini", "2.000000000000"),
    ]
    assert bench.published.meta["as_of"] == "2026-10-21"
    assert status(bench, "2026-10") == "open"
    assert items(bench, "2026-10") == {"not metered": "6.5", "credits and discounts": "-1"}
    alerts = [(a["subject"], a["severity"]) for a in bench.export("alerts") if a["kind"] == "reconciliation"]
    assert alerts == [("openai", "high"), ("anthropic", "high")]
    text = run_text(document)
    assert "$5.50 billed to 2026-10, and no log of openai's calls: add a source of kind openai, otlp or litellm" in text


def test_a_provider_without_a_log_is_named_beside_others_that_have_one(tmp_path):
    bench = close_bench(tmp_path)
    assert BASE["sources"]
    bench.calls(call("1"))
    anthropic_bill(bench, {DAY: [("Claude Sonnet 5 Usage - Input Tokens", "claude-sonnet-5", "300")]})
    bench.run()
    alerts = [(a["subject"], a["severity"]) for a in bench.export("alerts") if a["kind"] == "reconciliation"]
    assert alerts == [("anthropic", "medium")]
