"""Prices never move silently: a new rate prices what had none, a changed one waits for a full rebuild."""

from __future__ import annotations

from pipelines.ledger.repricing import rates_diff
from tests.workspaces import Bench, call


def costs(bench: Bench):
    return {r["request_id"]: (r["cost_basis"], r["cost_usd"]) for r in bench.export("requests")}


def test_a_changed_rate_is_shown_and_waits_while_a_new_one_prices_at_once(bench: Bench):
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()
    contract = bench.root / "rates.yaml"
    contract.write_text("rates: []\n")
    bench.calls(call("r1"), call("r2", model="in-house", time="2026-10-21T10:00:00Z"))
    bench.run()
    assert costs(bench) == {"r1": ("computed", "0.004000000000"), "r2": ("unpriced", "")}
    assert rates_diff(bench.loaded)["moves"] == []

    contract.write_text(
        'discounts: [{provider: openai, model: "*", percent: "10"}]\n'
        "rates:\n"
        '  - {provider: openai, model: in-house, class: input, usd_per_million: "1", source: contract 7}\n'
        '  - {provider: openai, model: in-house, class: output, usd_per_million: "2", source: contract 7}\n'
    )
    assert [
        (m["day"], m["model"], m["before_usd"], m["after_usd"], m["newly_priced"])
        for m in rates_diff(bench.loaded)["moves"]
    ] == [
        ("2026-10-20", "gpt-5.4", "0.004000000000", "0.003600000000", 0),
        ("2026-10-21", "in-house", None, "0.001200000000", 1),
    ]
    bench.calls(call("late"), file="late.jsonl")
    bench.run()
    assert costs(bench) == {
        "r1": ("computed", "0.004000000000"), "late": ("computed", "0.003600000000"), "r2": ("computed", "0.001200000000"),
    }  # fmt: skip
    bench.run(full=True)
    assert costs(bench)["r1"] == ("computed", "0.003600000000")
    last = bench.export("restatements")[-1]
    assert (last["day"], last["before_usd"], last["after_usd"], last["cause"]) == (
        "2026-10-20", "0.007600000000", "0.007200000000", "full rebuild",
    )  # fmt: skip
