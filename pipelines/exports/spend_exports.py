"""Exports of what was spent: by day, unit, request, task and dimension, and against the bills."""

from __future__ import annotations

from pipelines.exports import focus_columns
from pipelines.exports.export import Export, columns

SPEND: tuple[Export, ...] = (
    Export(
        "daily_cost",
        columns(
            "day, workflow, unit, outcomes, failed_units, requests, input_tokens, output_tokens, spend_usd, "
            "failure_spend_usd, cost_per_outcome_usd, provisional, flag"
        ),
        "day, workflow", "day",
    ),
    Export(
        "outcome_cost",
        columns(
            "workflow, unit, unit_id, status, first_request, outcome_day, attempts, requests, spend_usd, value_usd"
        ),
        "workflow, unit_id", "cast(first_request at time zone {zone} as date)",
    ),
    Export(
        "requests",
        columns(
            "request_id, source, time, provider, model, service_tier, status, workflow, task_type, unit_id, "
            "input_tokens, cache_read_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, "
            "reasoning_tokens, cost_usd, cost_basis, recorded_usd, tier"
        ),
        "day, source, provider, request_id, request_key", "day", segment=True,
    ),
    Export(
        "charges",
        columns(
            "request_id, charge_day, provider, model, sku, quantity, unit_price_usd, amount_usd, rate_source, source, "
            "list_unit_price_usd, list_amount_usd, contracted_unit_price_usd, contracted_amount_usd, "
            "effective_unit_price_usd, effective_amount_usd"
        ),
        "charge_day, source, provider, request_id, case when source is null then rate_source end, sku, request_key", "charge_day", segment=True,
    ),
    Export(
        "unattributed", columns("day, provider, model, reason, requests, spend_usd, workflow"),
        "day, provider, model, reason, workflow nulls first", "day",
    ),
    Export(
        "commitments",
        columns("name, provider, models, first_day, last_day, amount_usd, spent_usd, shortfall_usd, status"),
        "name, first_day", "last_day",
    ),
    Export("exchange_rates", columns("day, currency, rate, source, rate_day"), "day", "day"),
    Export(
        "task_cost",
        columns(
            "day, workflow, task_type, tier, provider, model, requests, input_tokens, output_tokens, spend_usd, "
            "latency_p50_ms, latency_p95_ms"
        ),
        "day, workflow, task_type nulls first, tier nulls first, provider, model", "day",
    ),
    Export(
        "chargeback",
        columns("month, dimension, value, spend_usd, share, unattributed_usd, allocation_rate, requests"),
        "month, dimension, value nulls first", "cast(concat(month, '-01') as date)", months=True,
    ),
    Export(
        "coverage", columns("day, provider, model, reported_tokens, held_tokens, share"),
        "day, provider, model nulls first", "day",
    ),
    Export(
        "assign_rules",
        columns("rule, match, valid_from, workflow, task_type, requests, spend_usd, first_day, last_day"), "rule",
    ),
    Export(
        "restatements", columns("published_at, day, workflow, before_usd, after_usd, cause"),
        "published_at, day, workflow", "day",
    ),
    Export(
        "outcome_days",
        columns(
            "day, workflow, unit, outcomes, spend_usd, cost_per_outcome_usd, outcomes_7d, spend_7d_usd, "
            "cost_per_outcome_7d_usd, good_units, lifetime_median_usd, lifetime_p95_usd, failure_spend_usd, "
            "failure_load_usd, failure_load_7d_usd, provisional, flag"
        ),
        "day, workflow", "day",
    ),
    Export(
        "work_in_progress",
        columns("workflow, unit, age, units, awaiting_acceptance, spend_usd, oldest_day, flag"),
        "workflow, oldest_day desc",
    ),
    Export(
        "rollup_cost",
        columns(
            "workflow, unit, unit_id, level, parent_workflow, parent_unit_id, top_workflow, top_unit_id, children, "
            "descendants, status, outcome_day, own_spend_usd, rolled_up_spend_usd"
        ),
        "top_workflow, top_unit_id, level, workflow, unit_id",
    ),
    Export(
        "nested_cost",
        columns(
            "workflow, unit, units, outcomes, own_spend_usd, rolled_up_spend_usd, own_cost_per_outcome_usd, "
            "rolled_up_cost_per_outcome_usd"
        ),
        "workflow",
    ),
    Export(
        "reconciliation",
        columns("period, provider, account, billed_usd, metered_usd, item, amount_usd, status, source, note"),
        "period, provider, account nulls first, rowid", "cast(concat(period, '-01') as date)", months=True,
    ),
    Export(
        "reconciliation_daily",
        columns("period, provider, account, billed_usd, metered_usd, item, amount_usd, status, source, note"),
        "period, provider, account nulls first, rowid", "cast(period as date)",
    ),
    Export(
        "billed",
        columns(
            "day, provider, account, model, item, billed_usd, source, category, period_end, effective_usd"
        ),
        "day, provider, account nulls first, model nulls first, item nulls first, source, category, period_end",
        "day",
    ),
    Export(
        "unseen_spend", columns("month, provider, account, workflow, method, amount_usd, basis, api_key"),
        "month, provider, account nulls first, api_key nulls first, basis, method", "cast(concat(month, '-01') as date)", months=True,
    ),
    Export(
        "shared_costs", columns("month, name, workflow, driver, direct_usd, shared_usd, full_usd"),
        "month, name, workflow nulls first", "cast(concat(month, '-01') as date)", months=True,
    ),
    Export(
        "close_adjustments",
        columns("closed_month, found_in, provider, workflow, item, closed_usd, now_usd, difference_usd, account"),
        "closed_month, provider nulls last, account nulls first, workflow nulls first, item", "cast(concat(found_in, '-01') as date)",
        months=True,
    ),
    Export("focus", focus_columns.columns(), "ChargePeriodStart", "ChargePeriodStart", segment=True),
)  # fmt: skip
