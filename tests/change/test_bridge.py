"""The bridge of real runs: a change of one factor lands in that factor, and the rows follow the ledger."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.storage.published import current
from tests.workspaces import BASE, Bench, call, event

D = Decimal
FACTORS = ("price", "model_mix", "tokens", "attempts", "outcome_mix")
Calls = list[dict[str, Any]]


def week_of(bench: Bench, week: int, calls: Calls, outcomes: int = 4, workflow: str = "review", **named: Any) -> None:
    """A Tuesday in ISO week `week` of 2026: these calls, a document each, of which the first `outcomes` come out good."""
    day = date.fromisocalendar(2026, week, 2).isoformat()
    name = f"{workflow}{week}"
    bench.calls(
        *(
            call(f"{name}-{i}", time=f"{day}T10:00:00Z", workflow=workflow, **{"unit_id": f"{name}-d{i}", **fields})
            for i, fields in enumerate(calls)
        ),
        file=f"{name}.jsonl",
    )
    events = [
        event(f"{name}-e{i}", time=f"{day}T12:00:00Z", unit_id=f"{name}-d{i}", workflow=workflow)
        for i in range(outcomes)
    ]
    bench.outcomes(*events, *named.get("events", ()), file=f"{name}.jsonl")


def effects(bench: Bench, workflow: str = "review", week: str = "2026-W43") -> dict[str, Decimal]:
    """Effects that aren't 0; the five sum to the difference of the exported costs, the contributors to their factor."""
    rows = [r for r in bench.export("bridge") if (r["workflow"], r["week"]) == (workflow, week)]
    assert [r["factor"] for r in rows] == list(FACTORS)
    costs = {r["week"]: r["cost_per_outcome_usd"] for r in bench.export("weekly_index") if r["workflow"] == workflow}
    assert {(r["before_usd"], r["after_usd"]) for r in rows} == {(costs[f"2026-W{int(week[-2:]) - 1}"], costs[week])}
    assert sum(D(r["effect_usd"]) for r in rows) == D(costs[week]) - D(rows[0]["before_usd"])
    found = {r["factor"]: D(r["effect_usd"]) for r in rows}
    for factor, effect in found.items():
        parts = [
            r
            for r in bench.export("bridge_detail")
            if (r["workflow"], r["week"], r["factor"]) == (workflow, week, factor)
        ]
        assert sum(D(r["effect_usd"]) for r in parts) == effect
        assert all(r["contributor"] for r in parts)
    return {factor: effect for factor, effect in found.items() if effect}


ONE_FACTOR: dict[str, tuple[Calls, Calls]] = {
    "model_mix": ([{}] * 8, [{}] * 2 + [{"model": "gpt-5-mini"}] * 6),
    "tokens": ([{}, {"model": "gpt-5-mini"}] * 4, [{"input_tokens": 2500}, {"model": "gpt-5-mini"}] * 4),
    "attempts": (
        [{"attempt_id": "1"}] * 8,
        [{"attempt_id": "1"}] * 8 + [{"attempt_id": "2", "unit_id": f"review43-d{i}"} for i in range(4)],
    ),
}


@pytest.mark.parametrize("factor", ONE_FACTOR)
def test_a_change_of_one_factor_lands_in_that_factor(bench: Bench, factor: str):
    before, after = ONE_FACTOR[factor]
    week_of(bench, 42, before, outcomes=7)
    week_of(bench, 43, after, outcomes=7)
    bench.run()
    assert set(effects(bench)) == set(effects(bench, "*")) == {factor}


def test_without_attempt_ids_a_unit_is_one_try_and_one_more_per_failed_event(bench: Bench):
    week_of(bench, 42, [{}] * 4)
    again = [{"unit_id": f"review43-d{i}"} for i in range(2)]
    failed = [
        event(f"f{i}", "failed", time="2026-10-20T11:00:00Z", unit_id=f"review43-d{i}") for i in range(2)
    ]  # fmt: skip
    week_of(bench, 43, [{}] * 4 + again, events=failed)
    bench.run()
    assert effects(bench) == {"attempts": D("0.002")}


def test_a_price_alone_lands_in_price_and_names_model_and_class(bench: Bench):
    (bench.root / "rates.yaml").write_text(
        "rates:\n"
        "  - {provider: openai, model: gpt-5.4, class: output, usd_per_million: '15', valid_from: 2026-01-01,"
        " valid_to: 2026-10-19, source: contract}\n"
        "  - {provider: openai, model: gpt-5.4, class: output, usd_per_million: '9', valid_from: 2026-10-19,"
        " source: contract}\n"
    )
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()
    week_of(bench, 42, [{}, {"model": "gpt-5-mini"}] * 4)
    week_of(bench, 43, [{}, {"model": "gpt-5-mini"}] * 4)
    bench.run()
    assert effects(bench) == {"price": D("-0.0006")}
    detail = [r for r in bench.export("bridge_detail") if (r["workflow"], r["week"]) == ("review", "2026-W43")]
    assert [(r["factor"], r["contributor"], r["effect_usd"]) for r in detail] == [
        ("price", "openai/gpt-5.4 · output", "-0.000600000000")
    ]


def test_a_model_that_was_not_used_has_its_rate_of_that_week(bench: Bench):
    """gpt-5-mini costs twice as much in week 42 and is used only in week 43: half of its price cut is price."""
    (bench.root / "rates.yaml").write_text(
        "rates:\n"
        + "".join(
            f"  - {{provider: openai, model: gpt-5-mini, class: {cls}, usd_per_million: '{usd}', valid_from: {start},"
            f"{f' valid_to: {end},' if end else ''} source: contract}}\n"
            for cls, usd, start, end in (
                ("input", 1, "2026-01-01", "2026-10-15"), ("input", "0.5", "2026-10-15", ""),
                ("output", 4, "2026-01-01", "2026-10-15"), ("output", 2, "2026-10-15", ""),
            )
        )
    )  # fmt: skip
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()
    week_of(bench, 42, [{}] * 4)  # a Tuesday before the cut: $0.004 each
    week_of(bench, 43, [{"model": "gpt-5-mini"}] * 4)  # $0.0007 each, at the rates of the week before $0.0014
    bench.run()
    # price: (0.0007 − 0.0014) at half of the model's share; model mix: (0.0007 + 0.0014) ÷ 2 − 0.004
    assert effects(bench) == {"price": D("-0.00035"), "model_mix": D("-0.00295")}


def test_recorded_unpriced_and_shared_spend_stand_in_the_bridge_as_in_spend(bench: Bench):
    own = {"model": "in-house-7", "cost_usd": "0.011"}
    shared = {"unit_id": None, "units": [{"unit_id": "review43-d0"}, {"unit_id": "review43-d1", "weight": 2}]}
    week_of(bench, 42, [own, {"model": "in-house-8"}, {}, {"input_tokens": 0, "output_tokens": 0, "status": "error"}])
    week_of(
        bench, 43,
        [{**own, "cost_usd": "0.022"}, {"model": "in-house-8"}, {}, shared,
         {"model": "search", "input_tokens": 0, "output_tokens": 0, "cost_usd": "0.3"}],
    )  # fmt: skip
    bench.run()
    found = effects(bench)
    assert sum(found.values()) == (D("0.022") + D("0.3") + D("0.008")) / 4 - (D("0.011") + D("0.004")) / 4
    named = {(r["factor"], r["model"], r["token_class"]) for r in bench.export("bridge_detail")}
    assert ("price", "openai/in-house-7", "recorded") in named
    assert ("tokens", "openai/search", "recorded call") in named


def test_provisioned_capacity_is_an_effective_price_per_token(bench: Bench):
    """$24 a day, spread over the hour that is used: twice the calls for the same money, half the price."""
    (bench.root / "rates.yaml").write_text(
        "provisioned:\n"
        "  - {name: ptu, provider: openai, model: gpt-5.4, cost_usd: '24', period: day, valid_from: 2026-10-01}\n"
    )
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()
    week_of(bench, 42, [{}] * 4)
    week_of(bench, 43, [{}] * 8, outcomes=4)
    bench.run()
    found = effects(bench)
    costs = [D(r["cost_per_outcome_usd"]) for r in bench.export("weekly_index") if r["workflow"] == "review"]
    assert costs[0] == costs[1] > D("0.2")
    assert set(found) == {"price", "attempts"}
    assert found["price"] == -found["attempts"]


def test_weeks_are_iso_weeks_of_the_reporting_zone(bench: Bench):
    bench.config["reporting"] = {"timezone": "America/New_York"}
    bench.save()
    # Monday 19 October, 02:00 in UTC, is Sunday of week 42 in New York
    bench.calls(call("a", time="2026-10-19T02:00:00Z"), call("b", time="2026-10-19T12:00:00Z", unit_id="d2"))
    bench.outcomes(
        event("e1", time="2026-10-19T03:00:00Z"), event("e2", time="2026-10-19T13:00:00Z", unit_id="d2")
    )  # fmt: skip
    bench.run()
    assert effects(bench) == {}
    assert {(r["week"], r["outcomes"]) for r in bench.export("weekly_index")} == {("2026-W42", "1"), ("2026-W43", "1")}


def test_a_day_workflow_has_a_bridge_of_its_counts(tmp_path):
    counts = {"name": "counts", "kind": "outcome-counts", "path": "logs/counts/*.jsonl"}
    mailing = {"unit": "letter", "grain": "day"}
    bench = Bench(tmp_path, {"sources": [*BASE["sources"], counts], "workflows": {"mailing": mailing}})
    for week, calls in ((42, 4), (43, 8)):
        week_of(bench, week, [{"unit_id": None}] * calls, outcomes=0, workflow="mailing")
    bench.lines(
        "logs/counts/a.jsonl",
        [
            {"day": "2026-10-13", "workflow": "mailing", "completed": 4},
            {"day": "2026-10-20", "workflow": "mailing", "completed": 4, "failed": 4},
        ],
    )
    bench.run()
    assert effects(bench, "mailing") == {"attempts": D("0.004")}


def test_late_data_works_out_only_its_weeks_and_ends_as_a_full_run(bench: Bench):
    for week in range(40, 46):
        week_of(bench, week, [{}] * week, outcomes=week - 38)
        week_of(bench, week, [{"model": "gpt-5-mini"}] * 5, workflow="claims")
    bench.run()
    untouched = [r for r in bench.export("bridge") if r["week"] in ("2026-W41", "2026-W44", "2026-W45")]
    bench.calls(call("late", time="2026-10-14T10:00:00Z", input_tokens=90_000), file="late.jsonl")
    bench.outcomes(event("gone", "rejected", time="2026-10-15T10:00:00Z", unit_id="review42-d0"), file="late.jsonl")
    bench.run()
    after = bench.export("bridge")
    assert [r for r in after if r["week"] in ("2026-W41", "2026-W44", "2026-W45")] == untouched
    assert set(effects(bench, week="2026-W42")) == {"tokens", "attempts"}
    before = bench.fingerprint()
    bench.run(full=True)
    assert bench.fingerprint() == before


def test_every_bridge_of_the_sample_sums_to_the_last_unit(sample):
    with current(sample).connect() as con:
        rows = con.execute(
            "select workflow, week, list(distinct after_usd - before_usd), sum(effect_usd), count(*) from bridge group by all"
        ).fetchall()
        details = con.execute(
            "select count(*) from (select workflow, week, factor, sum(effect_usd) as effect from bridge_detail group by all)"
            " as named full join bridge using (workflow, week, factor) where coalesce(named.effect, 0) <> bridge.effect_usd"
        ).fetchall()
    workflows = ("*", "contract_review", "internal_reporting", "customer_records", "claims_decision")
    assert {row[:2] for row in rows} == {(w, f"2026-W{week}") for w in workflows for week in range(41, 46)}
    assert all(changes == [effect] and factors == 5 for _, _, changes, effect, factors in rows)
    assert details == [(0,)]
