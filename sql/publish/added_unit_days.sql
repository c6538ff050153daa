-- grain: one row per (day, workflow, unit) of days that keep their files: what this run adds to what those say of the unit
-- Late requests add what they cost. Of changes and events the former ones are taken off, so that a row may be negative.
with news as (
    select
        day, workflow, unit_id, cost_usd as spend_usd, 0 as outcomes, cast(null as decimal(28, 12)) as value_usd,
        0 as events
    from allocations
    where unit_id is not null and day in (select day from late_days) and {{late}}
    union all
    select day, workflow, unit_id, cast(null as decimal(28, 12)) as spend_usd, outcomes, value_usd, events
    from unit_day_moves
)

select
    day, workflow, unit_id, sum(spend_usd) as spend_usd, cast(sum(outcomes) as bigint) as outcomes,
    sum(value_usd) as value_usd, cast(sum(events) as bigint) as events
from news
where
    day in (select day from cost_days) and day not in (select day from unit_days_anew)
    and workflow in (select workflow from declared where grain = 'unit')
group by day, workflow, unit_id
having count(spend_usd) > 0 or sum(outcomes) <> 0 or sum(events) <> 0 or coalesce(sum(value_usd), 0) <> 0
