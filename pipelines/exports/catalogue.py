"""The catalogue of exports: which columns, in which order, in which order of rows, and over which period."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.exports import focus_columns
from pipelines.workspace.errors import UsageError


@dataclass(frozen=True)
class Export:
    """One table as users get it. `period` is the SQL for a row's day, None where the table has no period.

    `months`: rows are whole months, and `period` is the first day; `--from` and `--to` then have to name whole months.
    """

    name: str
    columns: tuple[str, ...]
    order: str
    period: str | None = None
    segment: bool = False
    months: bool = False


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


EXPORTS: dict[str, Export] = {
    e.name: e
    for e in (
        Export(
            "daily_cost",
            _columns(
                "day, workflow, unit, outcomes, failed_units, requests, input_tokens, output_tokens, spend_usd, "
                "failure_spend_usd, cost_per_outcome_usd, provisional, flag"
            ),
            "day, workflow", "day",
        ),
        Export(
            "outcome_cost",
            _columns(
                "workflow, unit, unit_id, status, first_request, outcome_day, attempts, requests, spend_usd, value_usd"
            ),
            "workflow, unit_id", "cast(first_request at time zone {zone} as date)",
        ),
        Export(
            "requests",
            _columns(
                "request_id, source, time, provider, model, service_tier, status, workflow, task_type, unit_id, "
                "input_tokens, cache_read_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, "
                "reasoning_tokens, cost_usd, cost_basis, recorded_usd, tier"
            ),
            "day, source, provider, request_id, request_key", "day", segment=True,
        ),
        Export(
            "charges",
            _columns(
                "request_id, charge_day, provider, model, sku, quantity, unit_price_usd, amount_usd, rate_source, source, "
                "list_unit_price_usd, list_amount_usd, contracted_unit_price_usd, contracted_amount_usd, "
                "effective_unit_price_usd, effective_amount_usd"
            ),
            "charge_day, source, provider, request_id, case when source is null then rate_source end, sku, request_key", "charge_day", segment=True,
        ),
        Export(
            "value_ranking",
            _columns(
                "rank, band, workflow, unit, outcomes, spend_usd, spend_share, value_usd, value_per_usd, low, high, "
                "break_even_value_usd, note"
            ),
            "rank nulls last, workflow", "day",
        ),
        Export(
            "unattributed", _columns("day, provider, model, reason, requests, spend_usd, workflow"),
            "day, provider, model, reason, workflow nulls first", "day",
        ),
        Export(
            "commitments",
            _columns("name, provider, models, first_day, last_day, amount_usd, spent_usd, shortfall_usd, status"),
            "name, first_day", "last_day",
        ),
        Export("exchange_rates", _columns("day, currency, rate, source, rate_day"), "day", "day"),
        Export(
            "task_cost",
            _columns(
                "day, workflow, task_type, tier, provider, model, requests, input_tokens, output_tokens, spend_usd, "
                "latency_p50_ms, latency_p95_ms"
            ),
            "day, workflow, task_type nulls first, tier nulls first, provider, model", "day",
        ),
        Export(
            "chargeback",
            _columns("month, dimension, value, spend_usd, share, unattributed_usd, allocation_rate, requests"),
            "month, dimension, value nulls first", "cast(concat(month, '-01') as date)", months=True,
        ),
        Export(
            "coverage", _columns("day, provider, model, reported_tokens, held_tokens, share"),
            "day, provider, model nulls first", "day",
        ),
        Export(
            "assign_rules",
            _columns("rule, match, valid_from, workflow, task_type, requests, spend_usd, first_day, last_day"), "rule",
        ),
        Export(
            "drift",
            _columns(
                "workflow, detected_day, kind, before_usd, after_usd, change, status, minimum_detectable, alarm, "
                "since_day, closed_day, acknowledged_by, reason, month_usd"
            ),
            "workflow, detected_day, kind", "detected_day",
        ),
        Export(
            "budgets",
            _columns(
                "workflow, month, budget_usd, spend_to_date_usd, forecast_usd, forecast_low_usd, forecast_high_usd, "
                "status, scope, value, run_out_day, unattributed_usd, per_outcome_budget_usd, cost_per_outcome_usd, "
                "per_outcome_status, final, note"
            ),
            "month, case scope when 'workflow' then 0 when 'total' then 2 else 1 end, scope, value",
            "cast(concat(month, '-01') as date)", months=True,
        ),
        Export(
            "recommendations",
            _columns(
                "id, workflow, task_type, decision, grade, reference_model, model, share, items, quality_reference, "
                "retention, retention_low, retention_high, saving_share, saving_low, saving_high, saving_usd_month, reason, "
                "saving_loaded, cash_saving_usd_month, by_stratum"
            ),
            "workflow, task_type, id, share desc, model",
        ),
        Export(
            "frontier",
            _columns(
                "workflow, point, target, retention, retention_low, retention_high, saving_share, saving_low, saving_high"
            ),
            "workflow, case point when 'today' then 0 when 'target' then 1 when 'recommended' then 2 else 3 end, "
            "target desc",
        ),
        Export(
            "capability",
            _columns("workflow, task_type, kind, capability, declared_tier, served_tier, proven_tier, text"),
            "workflow, task_type, kind",
        ),
        Export(
            "workload_profile",
            _columns(
                "workflow, tier, provider, model, tagged, inferred_kind, requests, spend_usd, usual_tier, looks_lighter"
            ),
            "workflow nulls first, tier nulls first, provider, model, tagged, inferred_kind",
        ),
        Export(
            "unmatched_scores",
            _columns("source, score_key, name, time, reason, trace_id, span_id, response_id"),
            "source, score_key",
        ),
        Export(
            "restatements", _columns("published_at, day, workflow, before_usd, after_usd, cause"),
            "published_at, day, workflow", "day",
        ),
        Export(
            "bridge", _columns("workflow, week, factor, effect_usd, before_usd, after_usd, provisional"),
            "workflow, week, case factor when 'price' then 0 when 'model_mix' then 1 when 'tokens' then 2 "
            "when 'attempts' then 3 else 4 end",
            "first_day",
        ),
        Export(
            "bridge_detail",
            _columns("workflow, week, factor, contributor, effect_usd, of_workflow, task_type, model, token_class"),
            "workflow, week, factor, abs(effect_usd) desc, contributor", "first_day",
        ),
        Export(
            "weekly_index",
            _columns(
                "week, workflow, unit, outcomes, spend_usd, cost_per_outcome_usd, before_usd, like_for_like_usd, "
                "like_for_like_before_usd, index, left_out, provisional"
            ),
            "week, workflow", "first_day",
        ),
        Export(
            "value_sensitivity",
            _columns(
                "rank, band, workflow, value_per_outcome_usd, break_even_value_usd, break_even_factor, share_same_rank, "
                "share_of_scenarios_first, share_of_scenarios_last, scenarios"
            ),
            "rank",
        ),
        Export(
            "outcome_days",
            _columns(
                "day, workflow, unit, outcomes, spend_usd, cost_per_outcome_usd, outcomes_7d, spend_7d_usd, "
                "cost_per_outcome_7d_usd, good_units, lifetime_median_usd, lifetime_p95_usd, failure_spend_usd, "
                "failure_load_usd, failure_load_7d_usd, provisional, flag"
            ),
            "day, workflow", "day",
        ),
        Export(
            "work_in_progress",
            _columns("workflow, unit, age, units, awaiting_acceptance, spend_usd, oldest_day, flag"),
            "workflow, oldest_day desc",
        ),
        Export(
            "value_basis",
            _columns(
                "workflow, valid_from, valid_to, kind, per_outcome_usd, minutes_saved, hourly_rate_usd, basis, owner"
            ),
            "workflow, valid_from nulls first",
        ),
        Export(
            "rollup_cost",
            _columns(
                "workflow, unit, unit_id, level, parent_workflow, parent_unit_id, top_workflow, top_unit_id, children, "
                "descendants, status, outcome_day, own_spend_usd, rolled_up_spend_usd"
            ),
            "top_workflow, top_unit_id, level, workflow, unit_id",
        ),
        Export(
            "nested_cost",
            _columns(
                "workflow, unit, units, outcomes, own_spend_usd, rolled_up_spend_usd, own_cost_per_outcome_usd, "
                "rolled_up_cost_per_outcome_usd"
            ),
            "workflow",
        ),
        Export(
            "reconciliation",
            _columns("period, provider, account, billed_usd, metered_usd, item, amount_usd, status, source, note"),
            "period, provider, account nulls first, rowid", "cast(concat(period, '-01') as date)", months=True,
        ),
        Export(
            "reconciliation_daily",
            _columns("period, provider, account, billed_usd, metered_usd, item, amount_usd, status, source, note"),
            "period, provider, account nulls first, rowid", "cast(period as date)",
        ),
        Export(
            "billed",
            _columns(
                "day, provider, account, model, item, billed_usd, source, category, period_end, effective_usd"
            ),
            "day, provider, account nulls first, model nulls first, item nulls first, source, category, period_end",
            "day",
        ),
        Export(
            "unseen_spend", _columns("month, provider, account, workflow, method, amount_usd, basis, api_key"),
            "month, provider, account nulls first, api_key nulls first, basis, method", "cast(concat(month, '-01') as date)", months=True,
        ),
        Export(
            "shared_costs", _columns("month, name, workflow, driver, direct_usd, shared_usd, full_usd"),
            "month, name, workflow nulls first", "cast(concat(month, '-01') as date)", months=True,
        ),
        Export(
            "close_adjustments",
            _columns("closed_month, found_in, provider, workflow, item, closed_usd, now_usd, difference_usd, account"),
            "closed_month, provider nulls last, account nulls first, workflow nulls first, item", "cast(concat(found_in, '-01') as date)",
            months=True,
        ),
        Export("focus", focus_columns.columns(), "ChargePeriodStart", "ChargePeriodStart", segment=True),
        Export(
            "adherence",
            _columns(
                "day, workflow, task_type, policy_version, tier, declared_share, observed_share, requests, leak_usd, low, "
                "high, in_band, route_requests, fallback_share, full_day, provisional, since, drawn, falls_back"
            ),
            "day, workflow, task_type, policy_version, since, tier", "day",
        ),
        Export(
            "decisions",
            _columns(
                "recommendation_id, workflow, task_type, approved_at, policy_version, promised_usd_month, "
                "realised_usd_month, low, high, status, quality_change, quality_low, quality_high, finding, approved_by, "
                "from_tier, to_tier, percent, target_percent, first_day, last_day, days, outcomes, realised_usd, "
                "promised_at_share_usd_month, mixed_units, advice, advice_reason, share_first_day, ended_day, "
                "share_before, share_since"
            ),
            "approved_at, workflow, task_type, rowid",
        ),
        Export(
            "route_health",
            _columns(
                "day, workflow, task_type, tier, state, declared_share, requests, errors, error_rate, usual_error_rate, "
                "latency_p50_ms, latency_p95_ms, usual_p95_ms, limit_ms, timed, slow, falls_back, policy_version, compared_with"
            ),
            "day, workflow, task_type, tier", "day",
        ),
        Export(
            "tier_latency",
            _columns("workflow, task_type, tier, requests, errors, error_rate, latency_p50_ms, latency_p95_ms"),
            "workflow, task_type, tier",
        ),
        Export("alerts", _columns("day, kind, subject, severity, detail"), "rowid", "day"),
    )
}  # fmt: skip


def lookup(name: str, focus: str | None = None) -> Export:
    """Raises UsageError listing the names that exist, or the versions of FOCUS that are written."""
    if name not in EXPORTS:
        raise UsageError(f"no export {name!r}; expected one of {', '.join(sorted(EXPORTS))}")
    if focus is None:
        return EXPORTS[name]
    if name != "focus" or focus not in focus_columns.VERSIONS:
        raise UsageError(
            f"no version {focus!r} of {name}: expected {' or '.join(focus_columns.VERSIONS)}, for the export focus alone"
        )
    return replace(EXPORTS[name], columns=focus_columns.columns(focus))
