-- grain: one row per (day, workflow)
select
    daily_cost.day, daily_cost.workflow, daily_cost.unit, outcomes, failed_units, requests, input_tokens,
    output_tokens, spend_usd, failure_spend_usd, cost_per_outcome_usd,
    daily_cost.day > cast(cast($as_of as date) - cast(declared.maturity_days as integer) as date) as provisional,
    case
        when reported.workflow is null then 'no outcomes reported'
        when daily_cost.outcomes <= 0 and daily_cost.spend_usd > 0 then 'all failed'
    end as flag
from daily_cost
inner join declared on declared.workflow = daily_cost.workflow
left join (
    select outcome_events.workflow
    from outcome_events
    inner join declared on declared.workflow = outcome_events.workflow and declared.grain = 'unit'
    union
    select outcome_counts.workflow
    from outcome_counts
    inner join declared on declared.workflow = outcome_counts.workflow and declared.grain = 'day'
    where outcome_counts.wins
) as reported on reported.workflow = daily_cost.workflow
order by daily_cost.day, daily_cost.workflow
