-- grain: one row per unit with a final status or spend in the period: its spend and its value there
with summed as (
    select
        workflow, unit_id, count(spend_usd) as priced, sum(events) as events,
        cast(coalesce(sum(spend_usd), 0) as decimal(38, 12)) as spend,
        cast(coalesce(sum(value_usd), 0) as decimal(38, 12)) as value
    from {{unit_days}} as unit_days
    where day between cast($first_day as date) and cast($as_of as date)
    group by workflow, unit_id
),

-- few units have no spend: the status of no other decides
settled as (
    select units.workflow, units.unit_id
    from {{units}} as units
    inner join summed on summed.workflow = units.workflow and summed.unit_id = units.unit_id
    where summed.priced = 0 and summed.events > 0 and units.status <> 'open'
)

select workflow, unit_id, spend, value
from summed
where priced > 0 or (workflow, unit_id) in (select (workflow, unit_id) from settled)
