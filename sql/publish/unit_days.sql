-- grain: one row per (day, workflow, unit) with spend, a change or an event
with told as (
    select
        day, workflow, unit_id, cost_usd as spend_usd, 0 as outcomes, cast(null as decimal(28, 12)) as value_usd,
        0 as events
    from allocations
    where unit_id is not null and {{days}}
    union all
    select
        day, workflow, unit_id, cast(null as decimal(28, 12)) as spend_usd, change as outcomes, value_usd, 0 as events
    from unit_changes
    where {{days}}
    union all
    select
        day, workflow, unit_id, cast(null as decimal(28, 12)) as spend_usd, 0 as outcomes,
        cast(null as decimal(28, 12)) as value_usd, 1 as events
    from outcome_events
    where {{days}}
)

select
    day, workflow, unit_id, sum(spend_usd) as spend_usd, cast(sum(outcomes) as bigint) as outcomes,
    sum(value_usd) as value_usd, cast(sum(events) as bigint) as events
from told
where workflow in (select workflow from declared where grain = 'unit')
group by day, workflow, unit_id
