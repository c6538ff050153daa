-- grain: one row per (workflow, day) with spend or outcomes, up to as-of
select
    daily_cost.workflow, daily_cost.day, daily_cost.spend_usd, daily_cost.outcomes,
    daily_cost.day <= cast(cast($as_of as date) - cast(declared.maturity_days as integer) as date) as mature
from daily_cost
inner join declared on declared.workflow = daily_cost.workflow
where daily_cost.day <= cast($as_of as date)
order by daily_cost.workflow, daily_cost.day
