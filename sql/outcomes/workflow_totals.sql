-- grain: one row per declared workflow over the period (`first_day` to `as_of`, both included)
with spent as (
    select
        workflow, cast(sum(requests) as bigint) as requests, sum(spend_usd) as spend_usd,
        sum(failure_spend_usd) as failure_spend_usd, cast(sum(outcomes) as bigint) as outcomes,
        cast(sum(failed_units) as bigint) as failed_units
    from daily_cost
    where day between cast($first_day as date) and cast($as_of as date)
    group by workflow
),

valued as (
    select workflow, sum(value_usd) as value_usd
    from (
        select day, workflow, value_usd from unit_days
        union all
        select day, workflow, value_usd from day_values
    ) as worth
    where day between cast($first_day as date) and cast($as_of as date)
    group by workflow
)

select
    workflows.workflow, workflows.unit, coalesce(spent.requests, 0) as requests,
    -- over no day at all 0; null where all that was spent has no price
    case when spent.workflow is null then cast(0 as decimal(38, 12)) else spent.spend_usd end as spend_usd,
    case when spent.workflow is null then cast(0 as decimal(38, 12)) else spent.failure_spend_usd end as failure_spend_usd,
    coalesce(spent.outcomes, 0) as outcomes, coalesce(spent.failed_units, 0) as failed_units,
    case when workflows.has_value then cast(coalesce(valued.value_usd, 0) as decimal(38, 12)) end as value_usd,
    workflows.outcome_events
from workflows
left join spent on spent.workflow = workflows.workflow
left join valued on valued.workflow = workflows.workflow
order by workflows.workflow
