"""Bills against the ledger: billed = metered + items, each item by its name, to the last unit.

A call of `call` is 1,000 tokens in and 100 out on gpt-5.4 at $2.50 and $15 a million: $0.0025 and $0.0015.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from tests.close.bench import (
    anthropic_bill,
    close_bench,
    cost,
    invoice,
    items,
    openai_bill,
    status,
    usage,
    usage_report,
)  # fmt: skip
from tests.company import Company
from tests.company.bills import differences
from tests.workspaces import Bench, call

IN, OUT = "gpt-5.4-2026-03-05, input_tokens", "gpt-5.4-2026-03-05, output_tokens"
DAY = "2026-10-20"
LATER = call("later", time="2026-11-02T10:00:00Z", provider="mistral", model="mistral-large-latest")
BOTH = (cost(IN, "0.0025", 1000), cost(OUT, "0.0015", 100))


def run(bench: Bench) -> Bench:
    bench.run()
    return bench


def test_every_planted_difference_of_the_sample_company_is_named_to_the_last_unit(sample: Path):
    bench = Bench.__new__(Bench)
    bench.root = sample
    planted: dict[tuple[str, str], dict[str, str]] = {}
    sums: dict[tuple[str, str, str], Decimal] = {}
    for one in differences(Company(7).period()):
        key = (one.provider, one.day.isoformat(), one.item)
        sums[key] = sums.get(key, Decimal(0)) + one.amount_usd
    for (provider, day, item), amount in sums.items():
        planted.setdefault((provider, day), {})[item] = f"{amount.normalize():f}"
    assert len(planted) == 7
    found = {}
    for row in bench.export("reconciliation_daily"):
        key = (row["provider"], row["period"])
        if key not in found and row["item"]:
            found[key] = items(bench, row["period"], row["provider"], "reconciliation_daily")
    assert found == planted
    assert [status(bench, month) for month in ("2026-09", "2026-10", "2026-11")] == ["reconciled", "reconciled", "open"]
    assert status(bench, "2026-10", "calder-onprem") == "no bill"
    assert items(bench, "2026-10") == {
        "not metered": "8.5755125", "tools": "4.2", "credits and discounts": "-25",
    }  # fmt: skip


def test_a_bill_that_agrees_has_one_row_without_an_item(tmp_path):
    bench = close_bench(tmp_path)
    bench.calls(call("1"), LATER)
    openai_bill(bench, {DAY: BOTH})
    rows = [r for r in run(bench).export("reconciliation") if r["provider"] == "openai"]
    assert rows == [
        {
            "period": "2026-10", "provider": "openai", "account": "", "billed_usd": "0.004000000000",
            "metered_usd": "0.004000000000", "item": "", "amount_usd": "0.000000000000", "status": "reconciled",
            "source": "openai-bill", "note": "",
        }
    ]  # fmt: skip
    assert status(bench, "2026-11", "mistral") == "no bill"


def test_lost_calls_foreign_models_and_surplus_are_told_apart(tmp_path):
    bench = close_bench(tmp_path)
    mini = call("3", model="gpt-5-mini", time="2026-10-21T10:00:00Z")
    bench.calls(call("1"), call("2", time="2026-10-22T10:00:00Z"), mini, LATER)
    openai_bill(
        bench,
        {
            DAY: [cost(IN, "0.0075", 3000), cost(OUT, "0.0015", 100), cost("o9-unheard-of, input_tokens", "1.25", 9)],
            "2026-10-22": [cost(IN, "0.005", 1000), cost(OUT, "0.0015", 100)],
        },
    )
    run(bench)
    assert items(bench, "2026-10") == {
        "not metered": "1.255", "not billed": "-0.00045", "rate difference": "0.0025",
    }  # fmt: skip
    assert items(bench, "2026-10-22", mart="reconciliation_daily") == {"rate difference": "0.0025"}
    assert items(bench, "2026-10-21", mart="reconciliation_daily") == {"not billed": "-0.00045"}


def test_tax_credit_correction_and_tools_are_named_from_an_invoice_and_the_provider_report_is_not_added(tmp_path):
    bench = close_bench(tmp_path)
    bench.calls(call("1"), LATER)
    openai_bill(bench, {DAY: BOTH})
    invoice(
        bench,
        "I1,openai,,2026-10-01,2026-10-31,USD,0.01,usage,",
        "I1,openai,,2026-10-01,2026-10-31,USD,-0.50,credit,goodwill",
        "I1,openai,,2026-10-01,2026-10-31,USD,0.19,tax,VAT",
        "I1,openai,,2026-10-01,2026-10-31,USD,0.33,adjustment,September",
        "I1,openai,,2026-10-01,2026-10-31,USD,2.00,usage,web search",
    )
    run(bench)
    assert items(bench, "2026-10") == {
        "tools": "2", "credits and discounts": "-0.5", "tax": "0.19", "correction": "0.33", "unexplained": "0.006",
    }  # fmt: skip
    row = next(r for r in bench.export("reconciliation") if r["provider"] == "openai")
    assert (row["source"], row["note"]) == ("paper", "not added: openai-bill says 0.00")
    assert not [r for r in bench.export("reconciliation_daily") if r["provider"] == "openai"]
    bench.config["sources"][3]["priority"] = 5
    bench.save()
    bench.run()
    assert items(bench, "2026-10") == {}


def test_an_invoice_of_totals_is_explained_by_the_usage_report(tmp_path):
    bench = close_bench(tmp_path)
    bench.calls(call("1"), LATER)
    usage_report(bench, {DAY: [usage("gpt-5.4-2026-03-05", fresh=3000, output=100)]})
    invoice(bench, "I1,openai,,2026-10-01,2026-10-31,USD,0.009,usage,")
    run(bench)
    assert items(bench, "2026-10") == {"not metered": "0.005"}


def test_what_nothing_explains_is_shown_and_red_above_both_thresholds(tmp_path):
    bench = close_bench(tmp_path, close={"threshold_share": 0.01, "threshold_usd": "5"})
    bench.calls(call("1"), LATER)
    openai_bill(bench, {DAY: [*BOTH, cost("support plan", "5.00")]})
    run(bench)
    assert items(bench, "2026-10") == {"unexplained": "5"}
    assert status(bench, "2026-10") == "reconciled"
    openai_bill(bench, {DAY: [*BOTH, cost("support plan", "5.01")]})
    run(bench)
    assert status(bench, "2026-10") == "red"
    alerts = [a for a in bench.export("alerts") if a["kind"] == "reconciliation"]
    assert [(a["day"], a["subject"], a["severity"]) for a in alerts] == [("2026-10-01", "openai", "high")]
    assert "$5.01 of the difference has no name" in alerts[0]["detail"]


def test_a_bill_by_utc_days_leaves_the_day_cut_of_the_reporting_zone(tmp_path):
    bench = close_bench(tmp_path, reporting={"timezone": "America/New_York"})
    bench.calls(
        call("1"),
        call("2", time="2026-11-01T02:00:00Z"),  # still October in New York
        call("3", time="2026-10-01T02:00:00Z"),  # still September
        call("9", time="2026-11-05T10:00:00Z", provider="mistral", model="mistral-large-latest"),
    )  # fmt: skip
    openai_bill(bench, {"2026-10-01": BOTH, DAY: BOTH}, "a")
    openai_bill(bench, {"2026-11-01": [*BOTH, cost(IN, "0.0025", 1000, "p")]}, "b")
    run(bench)
    assert items(bench, "2026-10") == {}  # one call in, one out
    assert items(bench, "2026-10-01", mart="reconciliation_daily") == {"day cut": "0.004"}
    assert items(bench, "2026-10-31", mart="reconciliation_daily") == {"day cut": "-0.004"}
    assert items(bench, "2026-11") == {"not metered": "0.0025", "day cut": "0.004"}


def test_unpriced_calls_and_rounded_bills_have_their_names(tmp_path):
    bench = close_bench(tmp_path)
    bench.calls(call("1"), call("2", model="gpt-secret", input_tokens=1000, output_tokens=0), LATER)
    openai_bill(bench, {DAY: [*BOTH, cost("gpt-secret, input_tokens", "0.07", 1000)]})
    run(bench)
    assert items(bench, "2026-10") == {"unpriced": "0.07"}
    bench.calls(call("1"), LATER)
    openai_bill(bench, {DAY: [cost(IN, "0.003", 1000), cost(OUT, "0.002", 100)]})
    run(bench)
    bench.run(full=True, accept_loss=True)
    assert items(bench, "2026-10") == {"rounding": "0.001"}


def test_accounts_are_told_where_the_logs_carry_the_bills_own_names(tmp_path):
    bench = close_bench(tmp_path, tags={"account": ["project"]})
    bench.calls(call("1", project="p1"), call("2", project="p2"), LATER)
    openai_bill(
        bench,
        {DAY: [cost(IN, "0.005", 2000, "p1"), cost(OUT, "0.0015", 100, "p1"), cost(IN, "9.00", 3_600_000, "p3")]},
    )
    run(bench)
    rows = [
        (r["account"], r["item"], r["amount_usd"]) for r in bench.export("reconciliation") if r["provider"] == "openai"
    ]
    assert rows == [
        ("p1", "not metered", "0.002500000000"),
        ("p2", "not billed", "-0.004000000000"),
        ("p3", "not metered", "9.000000000000"),
    ]


def test_without_quantities_a_constant_discount_is_a_rate_difference_and_the_odd_day_is_not_metered(tmp_path):
    bench = close_bench(tmp_path)
    days = [f"2026-10-{n}" for n in range(11, 16)]
    bench.calls(
        *(
            call(f"{n}", time=f"{day}T10:00:00Z", provider="anthropic", model="claude-sonnet-5", output_tokens=0,
                 input_tokens=10_000 * (n + 1))
            for n, day in enumerate(days)
        ),
        LATER,
    )  # fmt: skip
    # $2 a million: 2 cents for 10,000 tokens, less a tenth; half a dollar more on the 13th
    anthropic_bill(
        bench,
        {
            day: [("Claude Sonnet 5 Usage - Input Tokens", "claude-sonnet-5", str(1.8 * (n + 1) + 50 * (n == 2)))]
            for n, day in enumerate(days)
        },
    )
    run(bench)
    assert items(bench, "2026-10", "anthropic") == {"not metered": "0.5", "rate difference": "-0.03"}
    assert items(bench, "2026-10-13", "anthropic", "reconciliation_daily") == {
        "not metered": "0.5", "rate difference": "-0.006",
    }  # fmt: skip


def test_the_senders_own_figures_meet_the_bill_by_class(tmp_path):
    bench = close_bench(tmp_path)
    bench.calls(call("1", model="gpt-house", cost_usd="0.0100"), LATER)
    openai_bill(
        bench, {DAY: [cost("gpt-house, input_tokens", "0.008", 1000), cost("gpt-house, output_tokens", "0.006", 100)]}
    )
    run(bench)
    assert items(bench, "2026-10") == {"rate difference": "0.004"}


def test_purchases_meet_the_fixed_costs_of_the_ledger(tmp_path):
    bench = close_bench(tmp_path, rates={"contract": "rates.yaml"})
    (bench.root / "rates.yaml").write_text(
        "provisioned:\n  - {name: ptu, provider: openai, model: gpt-5.4, cost_usd: '31', period: month, "
        "valid_from: 2026-10-01, valid_to: 2026-11-01}\n"
    )
    bench.calls(call("0", time="2026-10-01T10:00:00Z"), call("1", time="2026-10-31T10:00:00Z"), LATER)
    invoice(bench, "I1,openai,,2026-10-01,2026-10-31,USD,31.00,purchase,PTU")
    run(bench)
    assert items(bench, "2026-10") == {}
    invoice(bench, "I1,openai,,2026-10-01,2026-10-31,USD,35.00,purchase,PTU")
    run(bench)
    assert items(bench, "2026-10") == {"not metered": "4"}


def test_doubles_that_the_overlap_of_two_sources_names_are_recorded_twice(tmp_path):
    bench = close_bench(tmp_path, {"name": "gate", "kind": "litellm", "path": "logs/gate/*.jsonl"})
    shared = {"provider": "anthropic", "model": "claude-sonnet-5"}
    sizes = [1000 + 100 * n for n in range(6)]
    bench.calls(
        *(
            call(f"{n}", response_id=f"msg_{n}", time=f"2026-10-20T10:0{n}:00Z", input_tokens=size, **shared)
            for n, size in enumerate(sizes)
        ),
        LATER,
    )
    payloads = [
        {
            "id": f"chatcmpl-invented-{n}", "call_type": "acompletion", "custom_llm_provider": "anthropic",
            "model": "claude-sonnet-5", "startTime": 1792490400.5 + 60 * n, "endTime": 1792490401.5 + 60 * n,
            "prompt_tokens": size, "completion_tokens": 100, "total_tokens": size + 100, "status": "success",
            "response_cost": (2 * size + 1000) / 10**6, "metadata": {},
        }
        for n, size in enumerate(sizes)
    ]  # fmt: skip
    bench.lines("logs/gate/a.jsonl", [json.dumps(payload) for payload in payloads])
    anthropic_bill(
        bench,
        {
            DAY: [
                ("Claude Sonnet 5 Usage - Input Tokens", "claude-sonnet-5", "1.5"),
                ("Claude Sonnet 5 Usage - Output Tokens", "claude-sonnet-5", "0.6"),
            ]
        },
    )
    run(bench)
    assert items(bench, "2026-10", "anthropic") == {"recorded twice": "-0.021"}


def test_the_order_and_splitting_of_bills_changes_nothing(tmp_path):
    prints = []
    for name, parts in (("a", [[0, 1]]), ("b", [[1], [0]])):
        bench = close_bench(tmp_path / name)
        bench.calls(call("1"), LATER)
        days = [{DAY: BOTH}, {"2026-10-21": [cost("gpt-5.4, input_tokens", "0.5", 200_000)]}]
        for number, part in enumerate(parts):
            openai_bill(bench, {k: v for n in part for k, v in days[n].items()}, f"pull-page-{number}")
        bench.run()
        prints.append(bench.fingerprint())
    assert prints[0] == prints[1]


def test_an_incomplete_page_keeps_the_month_open(tmp_path):
    bench = close_bench(tmp_path)
    bench.calls(call("1"), LATER)
    openai_bill(bench, {DAY: BOTH}, more=True)
    assert status(run(bench), "2026-10") == "open"
