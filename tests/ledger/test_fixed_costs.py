"""Provisioned capacity and commitments in the ledger: shares, idle parts and shortfalls, each with a row of its own."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.exports.fingerprint import fingerprint
from pipelines.ledger.repricing import rates_diff
from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract
from pipelines.rates.savings import cash_saving_possible
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import load_workspace
from tests.reference.worlds import PLACES, Spec, make
from tests.workspaces import Bench, call

PTU = 'provisioned: [{name: ptu, provider: openai, model: gpt-5.4, cost_usd: "%s", period: day%s}]\n'


@pytest.fixture
def contracted(bench: Bench):
    """The bench under the `rates.yaml` of a text."""
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()

    def agree(text: str) -> Bench:
        (bench.root / "rates.yaml").write_text(text)
        return bench

    return agree


def picked(bench: Bench, table: str, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[c] for c in columns) for row in bench.export(table)]


def conserved(bench: Bench) -> None:
    """Allocations + unattributed = charges by (day, provider, model); charges = the published spend."""
    spend: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for c in bench.export("charges"):
        spend[c["charge_day"], c["provider"], c["model"]] += Decimal(c["amount_usd"] or 0)
    for u in bench.export("unattributed"):
        spend[u["day"], u["provider"], u["model"]] -= Decimal(u["spend_usd"] or 0)
    for r in bench.export("requests"):
        if r["workflow"] in bench.config["workflows"] and r["unit_id"]:
            spend[r["time"][:10], r["provider"], r["model"]] -= Decimal(r["cost_usd"] or 0)
    assert {key: rest for key, rest in spend.items() if rest} == {}
    summary = bench.published.meta["summary"]
    assert sum(Decimal(c["amount_usd"] or 0) for c in bench.export("charges")) == Decimal(summary["spend_usd"])


def test_a_served_request_costs_its_share_and_keeps_its_price_on_demand_beside_it(contracted):
    bench = contracted(PTU % ("24", "") + 'discounts: [{provider: openai, percent: "10"}]\n')
    bench.calls(call("r1", cost_usd="9"), call("r2", input_tokens=3000, output_tokens=0, time="2026-10-20T10:59:00Z"))
    bench.run()
    assert picked(
        bench, "charges", "request_id", "sku", "quantity", "unit_price_usd", "amount_usd", "list_amount_usd",
        "contracted_amount_usd", "effective_amount_usd", "rate_source",
    ) == [
        ("r1", "input", "1000", "0.000217391304348", "0.217391304348", "0.002500000000", "0.002250000000",
         "0.217391304348", "contract: provisioned ptu"),
        ("r1", "output", "100", "0.001304347826090", "0.130434782609", "0.001500000000", "0.001350000000",
         "0.130434782609", "contract: provisioned ptu"),
        ("r2", "input", "3000", "0.000217391304348", "0.652173913043", "0.007500000000", "0.006750000000",
         "0.652173913043", "contract: provisioned ptu"),
        ("", "provisioned_idle", "1", "23.000000000000000", "23.000000000000", "", "", "23.000000000000",
         "contract: provisioned ptu"),
    ]  # fmt: skip
    assert picked(bench, "requests", "request_id", "cost_usd", "cost_basis", "recorded_usd") == [
        ("r1", "0.347826086957", "computed", "9.000000000000"), ("r2", "0.652173913043", "computed", ""),
    ]  # fmt: skip
    assert picked(bench, "unattributed", "day", "provider", "model", "reason", "requests", "spend_usd") == [
        ("2026-10-20", "openai", "gpt-5.4", "idle_capacity", "0", "23.000000000000")
    ]
    assert bench.export("alerts") == []  # the sender can't know the share: no mismatch
    assert (bench.published.meta["summary"]["requests"], bench.published.meta["summary"]["unpriced_requests"]) == (2, 0)
    conserved(bench)


def test_a_day_without_a_request_is_idle_and_still_spent(contracted):
    bench = contracted(PTU % ("24", ", valid_from: 2026-10-21, valid_to: 2026-10-24"))
    bench.calls(call("a"), call("b", model="gpt-5-mini", time="2026-10-25T10:00:00Z"))
    document = bench.run()
    assert picked(bench, "unattributed", "day", "spend_usd") == [
        (f"2026-10-{day}", "24.000000000000") for day in (21, 22, 23)
    ]
    assert document["unattributed_usd"] == "72.000000000000"
    assert document["days"] == [f"2026-10-{day}" for day in (20, 21, 22, 23, 25)]
    assert bench.run()["days"] == []
    conserved(bench)


def test_capacity_is_paid_up_to_as_of_and_a_later_day_adds_the_days_between(contracted):
    bench = contracted(PTU % ("1", ""))
    bench.calls(call("a"))
    bench.run()
    assert picked(bench, "unattributed", "day") == [("2026-10-20",)]
    bench.calls(call("b", unit_id="d2", time="2026-10-23T10:00:00Z"), file="b.jsonl")
    assert bench.run()["days"] == ["2026-10-21", "2026-10-22", "2026-10-23"]
    assert picked(bench, "unattributed", "day") == [(f"2026-10-2{n}",) for n in range(4)]
    bench.calls(call("early", unit_id="d3", time="2026-10-18T10:00:00Z"), file="c.jsonl")
    assert bench.run()["days"] == ["2026-10-18", "2026-10-19"]
    conserved(bench)


def test_a_late_request_opens_its_day_alone_and_shares_what_the_day_cost(contracted):
    bench = contracted(PTU % ("24", ""))
    bench.calls(call("a"), call("b", unit_id="d2", time="2026-10-21T10:00:00Z"))
    bench.run()
    bench.calls(call("late", time="2026-10-20T10:30:00Z"), file="late.jsonl")
    assert bench.run()["days"] == ["2026-10-20"]
    assert picked(bench, "requests", "request_id", "cost_usd") == [
        ("a", "0.500000000000"), ("late", "0.500000000000"), ("b", "1.000000000000"),
    ]  # fmt: skip
    conserved(bench)


def test_requests_without_a_list_price_are_served_by_tokens(contracted):
    bench = contracted('provisioned: [{name: own, provider: inhouse, model: own-7b, cost_usd: "24", period: day}]')
    own = {"provider": "inhouse", "model": "own-7b"}
    bench.calls(
        call("a", **own, input_tokens=100, output_tokens=100),
        call("b", **own, input_tokens=500, output_tokens=100),
        call("nothing", **own, status="error", input_tokens=0, output_tokens=0),
    )
    assert bench.run()["unpriced_requests"] == 0
    assert picked(bench, "charges", "request_id", "sku", "amount_usd", "list_amount_usd", "contracted_amount_usd")[:4] == [
        ("a", "input", "0.125000000000", "", ""), ("a", "output", "0.125000000000", "", ""),
        ("b", "input", "0.625000000000", "", ""), ("b", "output", "0.125000000000", "", ""),
    ]  # fmt: skip
    assert ("nothing", "0.000000000000") in picked(bench, "requests", "request_id", "cost_usd")
    assert bench.export("alerts") == []
    conserved(bench)


def test_batch_requests_and_other_deployments_are_not_served(contracted):
    bench = contracted(
        "aliases: [{provider: azure, alias: prod-ptu, model: gpt-4o}]\n"
        'provisioned: [{name: ptu, provider: azure, model: prod-ptu, cost_usd: "24", period: day}]'
    )
    azure = {"provider": "azure", "output_tokens": 0}
    bench.calls(
        call("on", model="prod-ptu", **azure), call("off", model="gpt-4o", **azure),
        call("later", model="prod-ptu", service_tier="batch", **azure),
    )  # fmt: skip
    bench.run()
    sources = {c["request_id"]: (c["amount_usd"], c["list_amount_usd"]) for c in bench.export("charges")}
    assert sources["on"] == ("1.000000000000", "0.002500000000")
    assert sources["off"] == ("0.002500000000", "0.002500000000")
    assert sources["later"] != ("1.000000000000", "0.001250000000")
    conserved(bench)


def test_fees_per_use_stay_what_they_cost_on_demand(contracted):
    bench = contracted(PTU % ("24", ""))
    body = {
        "id": "resp_1", "object": "response", "created_at": 1792490400, "model": "gpt-5.4", "status": "completed",
        "output": [{"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}],
        "usage": {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
                  "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1000},
    }  # fmt: skip
    bench.config["sources"].append({"name": "bodies", "kind": "openai", "path": "logs/bodies/*.jsonl"})
    bench.save()
    bench.lines("logs/bodies/a.jsonl", [{"time": "2026-10-20T10:00:00Z", "response": body}])
    bench.run()
    charged = {c["sku"]: (c["amount_usd"], c["contracted_amount_usd"]) for c in bench.export("charges")}
    assert charged["input"] == ("1.000000000000", "0.002500000000")
    assert charged["web_search"] == ("0.010000000000", "0.010000000000")
    assert picked(bench, "requests", "cost_usd") == [("1.010000000000",)]
    conserved(bench)


def test_units_that_share_a_served_request_bear_its_share_exactly(contracted):
    bench = contracted(PTU % ("24.000000000001", ""))
    units = [{"unit_id": "d1"}, {"unit_id": "d2"}, {"unit_id": "d3"}]
    bench.calls(call("r", unit_id=None, units=units, time="2026-10-20T00:10:00Z"))
    bench.run()
    borne = [Decimal(r["spend_usd"]) for r in bench.export("outcome_cost")]
    assert sum(borne) == Decimal(bench.export("requests")[0]["cost_usd"]) == Decimal("1.000000000001")
    assert max(borne) - min(borne) <= Decimal("2e-12")


def test_a_changed_contract_moves_no_day_that_is_worked_out_until_a_full_rebuild(contracted):
    bench = contracted(PTU % ("24", ""))
    bench.calls(call("a"))
    bench.run()
    contracted(PTU % ("48", ""))
    assert bench.run()["days"] == []
    assert [
        (m["day"], m["model"], m["requests"], m["before_usd"], m["after_usd"])
        for m in rates_diff(bench.loaded)["moves"]
    ] == [("2026-10-20", "gpt-5.4", 1, "24.000000000000", "48.000000000000")]
    bench.calls(call("late"), call("new", time="2026-10-21T10:00:00Z"), file="b.jsonl")
    bench.run()
    assert picked(bench, "requests", "request_id", "cost_usd") == [
        ("a", "0.500000000000"), ("late", "0.500000000000"), ("new", "2.000000000000"),
    ]  # fmt: skip
    bench.run(full=True)
    assert picked(bench, "requests", "request_id", "cost_usd") == [
        ("a", "1.000000000000"), ("late", "1.000000000000"), ("new", "2.000000000000"),
    ]  # fmt: skip
    assert picked(bench, "restatements", "day", "workflow", "before_usd", "after_usd", "cause") == [
        ("2026-10-20", "review", "1.000000000000", "1.000000000000", "late data"),
        ("2026-10-20", "review", "1.000000000000", "2.000000000000", "full rebuild"),
        ("2026-10-20", "", "23.000000000000", "46.000000000000", "full rebuild"),
    ]
    assert rates_diff(bench.loaded)["moves"] == []


def test_capacity_that_ends_or_appears_in_the_contract_waits_too(contracted):
    bench = contracted("provisioned: []")
    bench.calls(call("a"))
    bench.run()
    contracted(PTU % ("24", "") + 'commitments: [{name: deal, provider: openai, amount_usd: "90", period: term, '
               "valid_from: 2026-10-20, valid_to: 2026-10-21}]\n")  # fmt: skip
    bench.calls(call("b", time="2026-10-21T10:00:00Z"), file="b.jsonl")
    bench.run()
    assert picked(bench, "unattributed", "day", "reason", "spend_usd") == [
        ("2026-10-21", "idle_capacity", "23.000000000000")
    ]
    assert [(m["model"], m["before_usd"], m["after_usd"]) for m in rates_diff(bench.loaded)["moves"]] == [
        ("*", "0.000000000000", "66.000000000000"), ("gpt-5.4", "0.004000000000", "24.000000000000"),
    ]  # fmt: skip


DEAL = 'commitments: [{name: deal, provider: openai, amount_usd: "%s", period: %s, valid_from: 2026-10-20%s}]\n'


def test_an_unmet_commitment_is_a_charge_of_the_last_day_of_its_period_once_that_is_over(contracted):
    bench = contracted(DEAL % ("1", "term", ", valid_to: 2026-10-22"))
    bench.calls(call("a"), call("b", unit_id="d2", time="2026-10-21T10:00:00Z"))
    bench.run()
    assert bench.export("unattributed") == []
    assert picked(bench, "commitments", "name", "first_day", "last_day", "spent_usd", "shortfall_usd", "status") == [
        ("deal", "2026-10-20", "2026-10-21", "0.008000000000", "0.992000000000", "open")
    ]
    bench.calls(call("c", unit_id="d3", time="2026-10-22T00:00:00Z"), file="c.jsonl")
    assert bench.run()["days"] == ["2026-10-21", "2026-10-22"]
    assert picked(bench, "unattributed", "day", "model", "reason", "spend_usd") == [
        ("2026-10-21", "*", "unmet_commitment", "0.992000000000")
    ]
    assert picked(bench, "commitments", "status") == [("unmet",)]
    bench.calls(call("late", unit_id="d4", time="2026-10-20T11:00:00Z"), file="late.jsonl")
    assert bench.run()["days"] == ["2026-10-20", "2026-10-21"]
    assert picked(bench, "unattributed", "spend_usd") == [("0.988000000000",)]
    moved = [r for r in picked(bench, "restatements", "day", "workflow", "before_usd", "after_usd") if not r[1]]
    assert moved == [("2026-10-21", "", "", "0.992000000000"), ("2026-10-21", "", "0.992000000000", "0.988000000000")]
    conserved(bench)


def test_a_met_commitment_and_one_that_began_before_the_ledger_cost_nothing(contracted):
    bench = contracted(
        'commitments:\n  - {name: met, provider: openai, amount_usd: "0.002", period: term, valid_from: 2026-10-20, '
        "valid_to: 2026-10-21}\n"
        '  - {name: older, provider: openai, amount_usd: "9", period: month, valid_from: 2026-09-21}\n'
        '  - {name: mini, provider: openai, amount_usd: "9", period: month, valid_from: 2026-10-20, models: ["gpt-5-*"]}\n'
    )
    bench.calls(
        call("a"), call("b", time="2026-10-22T10:00:00Z"), call("m", model="gpt-5-mini", time="2026-10-22T10:00:00Z")
    )
    bench.run()
    assert bench.export("unattributed") == []
    assert picked(bench, "commitments", "name", "last_day", "spent_usd", "status") == [
        ("met", "2026-10-20", "0.004000000000", "met"), ("mini", "2026-11-19", "0.000450000000", "open"),
        ("older", "2026-10-20", "0.004000000000", "not covered"), ("older", "2026-11-20", "0.004450000000", "open"),
    ]  # fmt: skip


def test_moving_traffic_saves_no_cash_while_a_fixed_cost_is_paid_anyway(tmp_path):
    path = tmp_path / "rates.yaml"
    path.write_text(
        'provisioned: [{name: ptu, provider: openai, model: gpt-5-mini, cost_usd: "1", period: day, valid_to: 2026-10-21}]\n'
        'commitments: [{name: deal, provider: anthropic, amount_usd: "1", period: month, valid_from: 2026-10-01, models: ["claude-*"]}]\n'
    )
    book = RateBook(read_contract(path))
    day, later = date(2026, 10, 20), date(2026, 10, 21)
    asked = [("openai", "gpt-5-mini-2025-08-07", day), ("openai", "gpt-5-mini", later), ("openai", "gpt-5.4", day),
             ("anthropic", "claude-sonnet-5", day), ("anthropic", "other", day)]  # fmt: skip
    assert [cash_saving_possible(book, *one) for one in asked] == [False, True, True, False, True]
    assert cash_saving_possible(book, *asked[3], unmet=["another"])


def test_capacity_in_a_currency_without_a_rate_for_its_day_stops_the_run(contracted):
    bench = contracted(
        'provisioned: [{name: ptu, provider: openai, model: gpt-5.4, cost: "90", currency: EUR, period: day}]\nexchange: fx.csv\n'
    )
    fx = bench.root / "fx.csv"
    fx.write_text("day,currency,per_usd\n2026-10-21,EUR,0.9\n")
    bench.calls(call("a"))
    with pytest.raises(UsageError, match=r"fx\.csv: no EUR rate for 2026-10-20 .* add the line 2026-10-20,EUR,"):
        bench.run()
    fx.write_text("day,currency,per_usd\n2026-10-19,EUR,0.9\n")
    bench.run()
    assert bench.published.meta["summary"]["spend_usd"] == "100.000000000000"


@pytest.mark.slow
def test_day_by_day_is_all_at_once_is_a_full_rebuild_under_a_contract(tmp_path: Path):
    for seed in (3, 11, 17) if os.environ.get("OUTLAY_FULL") else (11,):
        dice = random.Random(seed)
        spec = Spec(seed=seed, calls=30, events=10, place=dice.randrange(len(PLACES)), contract=True)
        once, daily = tmp_path / f"once{seed}", tmp_path / f"daily{seed}"
        for root in (once, daily):
            make(root, spec)
        run_workspace(load_workspace(once), Asked())
        whole = fingerprint(current(once))
        middle = date.fromisoformat(PLACES[spec.place][1][:10])
        for number in (-2, -1, 0, 1, 3):
            run_workspace(load_workspace(daily), Asked(last=middle + timedelta(days=number)))
        run_workspace(load_workspace(daily), Asked())
        assert fingerprint(current(daily)) == whole, seed
        run_workspace(load_workspace(once), Asked(full=True))
        assert fingerprint(current(once)) == whole, seed
