-- grain: one row per (day, workflow, unit) with spend, a change or an event
with spent as (
    select day, workflow, unit_id, sum(cost_usd) as spend_usd
    from allocations
    where unit_id is not null and {{days}}
    group by day, workflow, unit_id
),

changed as (
    select day, workflow, unit_id, sum(change) as outcomes, sum(value_usd) as value_usd
    from unit_changes
    where {{days}}
    group by day, workflow, unit_id
),

happened as (
    select day, workflow, unit_id, count(*) as events
    from outcome_events
    where {{days}}
    group by day, workflow, unit_id
)

select
    day, workflow, unit_id, spent.spend_usd, cast(coalesce(changed.outcomes, 0) as bigint) as outcomes,
    changed.value_usd, coalesce(happened.events, 0) as events
from spent
full outer join changed using (day, workflow, unit_id)
full outer join happened using (day, workflow, unit_id)
where workflow in (select workflow from declared where grain = 'unit')
order by day, workflow, unit_id
