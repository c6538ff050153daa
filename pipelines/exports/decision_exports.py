"""Exports of what spend brought, what changed, what is advised, and what became of decisions."""

from __future__ import annotations

from pipelines.exports.export import Export, columns

DECISIONS: tuple[Export, ...] = (
    Export(
        "value_ranking",
        columns(
            "rank, band, workflow, unit, outcomes, spend_usd, spend_share, value_usd, value_per_usd, low, high, "
            "break_even_value_usd, note"
        ),
        "rank nulls last, workflow", "day",
    ),
    Export(
        "value_sensitivity",
        columns(
            "rank, band, workflow, value_per_outcome_usd, break_even_value_usd, break_even_factor, share_same_rank, "
            "share_of_scenarios_first, share_of_scenarios_last, scenarios"
        ),
        "rank",
    ),
    Export(
        "value_basis",
        columns(
            "workflow, valid_from, valid_to, kind, per_outcome_usd, minutes_saved, hourly_rate_usd, basis, owner"
        ),
        "workflow, valid_from nulls first",
    ),
    Export(
        "drift",
        columns(
            "workflow, detected_day, kind, before_usd, after_usd, change, status, minimum_detectable, alarm, "
            "since_day, closed_day, acknowledged_by, reason, month_usd"
        ),
        "workflow, detected_day, kind", "detected_day",
    ),
    Export(
        "budgets",
        columns(
            "workflow, month, budget_usd, spend_to_date_usd, forecast_usd, forecast_low_usd, forecast_high_usd, "
            "status, scope, value, run_out_day, unattributed_usd, per_outcome_budget_usd, cost_per_outcome_usd, "
            "per_outcome_status, final, note"
        ),
        "month, case scope when 'workflow' then 0 when 'total' then 2 else 1 end, scope, value",
        "cast(concat(month, '-01') as date)", months=True,
    ),
    Export(
        "bridge", columns("workflow, week, factor, effect_usd, before_usd, after_usd, provisional"),
        "workflow, week, case factor when 'price' then 0 when 'model_mix' then 1 when 'tokens' then 2 "
        "when 'attempts' then 3 else 4 end",
        "first_day",
    ),
    Export(
        "bridge_detail",
        columns("workflow, week, factor, contributor, effect_usd, of_workflow, task_type, model, token_class"),
        "workflow, week, factor, abs(effect_usd) desc, contributor", "first_day",
    ),
    Export(
        "weekly_index",
        columns(
            "week, workflow, unit, outcomes, spend_usd, cost_per_outcome_usd, before_usd, like_for_like_usd, "
            "like_for_like_before_usd, index, left_out, provisional"
        ),
        "week, workflow", "first_day",
    ),
    Export(
        "recommendations",
        columns(
            "id, workflow, task_type, decision, grade, reference_model, model, share, items, quality_reference, "
            "retention, retention_low, retention_high, saving_share, saving_low, saving_high, saving_usd_month, reason, "
            "saving_loaded, cash_saving_usd_month, by_stratum"
        ),
        "workflow, task_type, id, share desc, model",
    ),
    Export(
        "frontier",
        columns(
            "workflow, point, target, retention, retention_low, retention_high, saving_share, saving_low, saving_high"
        ),
        "workflow, case point when 'today' then 0 when 'target' then 1 when 'recommended' then 2 else 3 end, "
        "target desc",
    ),
    Export(
        "capability",
        columns("workflow, task_type, kind, capability, declared_tier, served_tier, proven_tier, text"),
        "workflow, task_type, kind",
    ),
    Export(
        "workload_profile",
        columns(
            "workflow, tier, provider, model, tagged, inferred_kind, requests, spend_usd, usual_tier, looks_lighter"
        ),
        "workflow nulls first, tier nulls first, provider, model, tagged, inferred_kind",
    ),
    Export(
        "unmatched_scores",
        columns("source, score_key, name, time, reason, trace_id, span_id, response_id"),
        "source, score_key",
    ),
    Export(
        "adherence",
        columns(
            "day, workflow, task_type, policy_version, tier, declared_share, observed_share, requests, leak_usd, low, "
            "high, in_band, route_requests, fallback_share, full_day, provisional, since, drawn, falls_back"
        ),
        "day, workflow, task_type, policy_version, since, tier", "day",
    ),
    Export(
        "decisions",
        columns(
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
        columns(
            "day, workflow, task_type, tier, state, declared_share, requests, errors, error_rate, usual_error_rate, "
            "latency_p50_ms, latency_p95_ms, usual_p95_ms, limit_ms, timed, slow, falls_back, policy_version, compared_with"
        ),
        "day, workflow, task_type, tier", "day",
    ),
    Export(
        "tier_latency",
        columns("workflow, task_type, tier, requests, errors, error_rate, latency_p50_ms, latency_p95_ms"),
        "workflow, task_type, tier",
    ),
    Export("alerts", columns("day, kind, subject, severity, detail"), "rowid", "day"),
)  # fmt: skip
