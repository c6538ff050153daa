-- grain: one row per (week, workflow) with a row in `daily_cost`; `week` is its Monday
select
    cast(date_trunc('week', day) as date) as week, workflow, any_value(unit) as unit,
    cast(sum(outcomes) as bigint) as outcomes, cast(sum(failed_units) as bigint) as failed_units,
    cast(sum(requests) as bigint) as requests, cast(sum(spend_usd) as decimal(38, 12)) as spend_usd
from daily_cost
where workflow in (select workflow from declared)
group by cast(date_trunc('week', day) as date), workflow
order by week, workflow
