"""What leaves Outlay: columns, order, text, spreadsheets that can't be made to run anything."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines.exports.catalogue import EXPORTS
from pipelines.exports.text import defused
from pipelines.exports.write import write
from pipelines.storage.published import current
from pipelines.workspace.errors import UsageError
from tests.workspaces import Bench, call, event

INTERFACE = {
    "daily_cost": "day, workflow, unit, outcomes, failed_units, requests, input_tokens, output_tokens, spend_usd, failure_spend_usd, cost_per_outcome_usd, provisional, flag",
    "outcome_cost": "workflow, unit, unit_id, status, first_request, outcome_day, attempts, requests, spend_usd, value_usd",
    "requests": "request_id, source, time, provider, model, service_tier, status, workflow, task_type, unit_id, input_tokens, cache_read_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, cost_usd, cost_basis, recorded_usd, tier",
    "charges": "request_id, charge_day, provider, model, sku, quantity, unit_price_usd, amount_usd, rate_source, source, list_unit_price_usd, list_amount_usd, contracted_unit_price_usd, contracted_amount_usd, effective_unit_price_usd, effective_amount_usd",
    "commitments": "name, provider, models, first_day, last_day, amount_usd, spent_usd, shortfall_usd, status",
    "exchange_rates": "day, currency, rate, source, rate_day",
    "value_ranking": "rank, band, workflow, unit, outcomes, spend_usd, spend_share, value_usd, value_per_usd, low, high, break_even_value_usd, note",
    "unattributed": "day, provider, model, reason, requests, spend_usd, workflow",
    "task_cost": "day, workflow, task_type, tier, provider, model, requests, input_tokens, output_tokens, spend_usd, latency_p50_ms, latency_p95_ms",
    "recommendations": "id, workflow, task_type, decision, grade, reference_model, model, share, items, quality_reference, retention, retention_low, retention_high, saving_share, saving_low, saving_high, saving_usd_month, reason, saving_loaded, cash_saving_usd_month, by_stratum",
    "restatements": "published_at, day, workflow, before_usd, after_usd, cause",
    "alerts": "day, kind, subject, severity, detail",
    "chargeback": "month, dimension, value, spend_usd, share, unattributed_usd, allocation_rate, requests",
    "coverage": "day, provider, model, reported_tokens, held_tokens, share",
    "assign_rules": "rule, match, valid_from, workflow, task_type, requests, spend_usd, first_day, last_day",
    "bridge": "workflow, week, factor, effect_usd, before_usd, after_usd, provisional",
    "bridge_detail": "workflow, week, factor, contributor, effect_usd, of_workflow, task_type, model, token_class",
    "weekly_index": "week, workflow, unit, outcomes, spend_usd, cost_per_outcome_usd, before_usd, like_for_like_usd, like_for_like_before_usd, index, left_out, provisional",
    "outcome_days": "day, workflow, unit, outcomes, spend_usd, cost_per_outcome_usd, outcomes_7d, spend_7d_usd, cost_per_outcome_7d_usd, good_units, lifetime_median_usd, lifetime_p95_usd, failure_spend_usd, failure_load_usd, failure_load_7d_usd, provisional, flag",
    "work_in_progress": "workflow, unit, age, units, awaiting_acceptance, spend_usd, oldest_day, flag",
    "value_basis": "workflow, valid_from, valid_to, kind, per_outcome_usd, minutes_saved, hourly_rate_usd, basis, owner",
    "value_sensitivity": "rank, band, workflow, value_per_outcome_usd, break_even_value_usd, break_even_factor, share_same_rank, share_of_scenarios_first, share_of_scenarios_last, scenarios",
    "rollup_cost": "workflow, unit, unit_id, level, parent_workflow, parent_unit_id, top_workflow, top_unit_id, children, descendants, status, outcome_day, own_spend_usd, rolled_up_spend_usd",
    "nested_cost": "workflow, unit, units, outcomes, own_spend_usd, rolled_up_spend_usd, own_cost_per_outcome_usd, rolled_up_cost_per_outcome_usd",
}  # fmt: skip


def bytes_of(published, name, kind, **period):
    out = io.BytesIO()
    write(published, name, kind, out, **period)
    return out.getvalue()


@pytest.mark.parametrize("name", INTERFACE)
def test_every_export_has_its_columns_in_order_in_every_format(sample, name):
    columns = INTERFACE[name].split(", ")
    published = current(sample)
    assert bytes_of(published, name, "csv").decode().split("\r\n")[0].split(",") == columns
    assert pq.read_schema(io.BytesIO(bytes_of(published, name, "parquet"))).names == columns
    if EXPORTS[name].segment:
        return
    book = openpyxl.load_workbook(io.BytesIO(bytes_of(published, name, "xlsx")))
    assert [cell.value for cell in book[name][1]] == columns


def test_the_same_published_set_gives_the_same_bytes(sample):
    published = current(sample)
    for kind in ("csv", "parquet", "xlsx"):
        assert bytes_of(published, "daily_cost", kind) == bytes_of(published, "daily_cost", kind)


def test_the_spend_of_requests_charges_and_summary_is_one_number(sample):
    published = current(sample)

    def total(name, column):
        lines = bytes_of(published, name, "csv").decode().split("\r\n")[1:-1]
        place = INTERFACE[name].split(", ").index(column)
        return sum((Decimal(line.split(",")[place] or 0) for line in lines), Decimal(0))

    spend = Decimal(published.meta["summary"]["spend_usd"])
    assert total("requests", "cost_usd") == total("charges", "amount_usd") == spend > 2000
    assert total("daily_cost", "spend_usd") + total("unattributed", "spend_usd") == spend


def test_a_text_that_a_spreadsheet_would_run_is_defused_and_numbers_stay_numbers(bench: Bench):
    bench.calls(call("=1+1", unit_id="@SUM(A1)", workflow="review"), call("r2", unit_id="-2", task_type="+x"))
    bench.run()
    assert [r["request_id"] for r in bench.export("requests")] == ["'=1+1", "r2"]
    assert [r["unit_id"] for r in bench.export("outcome_cost")] == ["'-2", "'@SUM(A1)"]
    assert (defused(Decimal("-1.50")), defused("\tx"), defused(""), defused(True), defused(None)) == (
        "-1.50",
        "'\tx",
        "",
        "true",
        "",
    )
    book = openpyxl.load_workbook(io.BytesIO(bytes_of(bench.published, "outcome_cost", "xlsx")))
    assert [cell.value for cell in book["outcome_cost"][3]][:4] == ["review", "document", "@SUM(A1)", "open"]
    assert book["outcome_cost"]["C3"].data_type == "s"
    assert book["outcome_cost"]["I3"].value == 0.004


def test_a_period_limits_rows_and_recomputes_the_ranking(bench: Bench):
    for week, day in enumerate((1, 12)):
        bench.calls(
            *(call(f"r{week}{i}", unit_id=f"d{week}{i}", time=f"2026-10-{day:02}T10:00:00Z") for i in range(6)),
            file=f"{week}.jsonl",
        )
        bench.outcomes(
            *(event(f"e{week}{i}", unit_id=f"d{week}{i}", time=f"2026-10-{day:02}T11:00:00Z") for i in range(6 - week)),
            file=f"{week}.jsonl",
        )
    bench.run()
    first = {"first": date(2026, 10, 1), "last": date(2026, 10, 7)}
    assert {r["day"] for r in bench.export("daily_cost", **first)} == {"2026-10-01"}
    assert len(bench.export("requests", **first)) == len(bench.export("charges", **first)) / 2 == 6
    assert len(bench.export("outcome_cost", **first)) == 6
    assert [
        (r["outcomes"], r["spend_usd"], r["value_per_usd"]) for r in bench.export("value_ranking", **first) if r["rank"]
    ] == [("6", "0.024000000000", "500.000000000000")]
    assert [(r["outcomes"], r["value_usd"]) for r in bench.export("value_ranking") if r["rank"]] == [
        ("11", "22.000000000000")
    ]


def test_a_table_without_a_period_refuses_one_and_unknown_names_are_listed(bench: Bench):
    bench.calls(call("r1"))
    bench.run()
    with pytest.raises(UsageError, match="recommendations has no period"):
        bench.export("recommendations", first=date(2026, 10, 1))
    with pytest.raises(UsageError, match=r"no export 'spend'; expected one of .*alerts, .*charges"):
        bench.export("spend")


def test_a_fingerprint_names_every_export_but_restatements(bench: Bench):
    bench.calls(call("r1"))
    bench.run()
    prints = bench.fingerprint()
    assert set(prints) == set(EXPORTS) - {"restatements"}
    bench.calls(call("r1", output_tokens=101))
    bench.run()
    changed = {name for name, value in bench.fingerprint().items() if value != prints[name]}
    assert {"requests", "charges", "daily_cost", "outcome_cost", "task_cost"} <= changed
