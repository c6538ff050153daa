-- grain: one row per (day, workflow) with a borne request, an outcome change or a failed unit
-- A workflow of grain `day` has no units: its outcomes and failures are the counts that were reported for the day.
with borne as (
    select
        day, workflow, count(*) as requests, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
        sum(cost_usd) as spend_usd
    from requests
    where reason is null and day in (select day from cost_days)
    group by day, workflow
),

changes as (
    select day, workflow, sum(change) as outcomes
    from unit_changes
    where day in (select day from cost_days)
    group by day, workflow
    union all
    select outcome_counts.day, outcome_counts.workflow, outcome_counts.completed - outcome_counts.rejected as outcomes
    from outcome_counts
    inner join declared on declared.workflow = outcome_counts.workflow and declared.grain = 'day'
    where
        outcome_counts.wins and outcome_counts.day in (select day from cost_days)
        and outcome_counts.completed + outcome_counts.rejected > 0
),

days as (
    select day, workflow from borne
    union
    select day, workflow from changes
    union
    select day, workflow from failed_units
)

select
    days.day, days.workflow, declared.unit,
    cast(coalesce(changes.outcomes, 0) as bigint) as outcomes,
    coalesce(failed_units.failed_units, 0) as failed_units,
    coalesce(borne.requests, 0) as requests,
    cast(coalesce(borne.input_tokens, 0) as bigint) as input_tokens,
    cast(coalesce(borne.output_tokens, 0) as bigint) as output_tokens,
    case when borne.day is null then 0 else borne.spend_usd end as spend_usd,
    case when failure_spend.day is null then 0 else failure_spend.spend end as failure_spend_usd
from days
inner join declared on declared.workflow = days.workflow
left join borne on borne.day = days.day and borne.workflow = days.workflow
left join changes on changes.day = days.day and changes.workflow = days.workflow
left join failed_units on failed_units.day = days.day and failed_units.workflow = days.workflow
left join failure_spend on failure_spend.day = days.day and failure_spend.workflow = days.workflow
