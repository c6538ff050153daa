-- grain: one row per (month of the reporting zone, provider, workflow, team) with spend; the workflow is empty for what no
-- unit bears, the team where the dimension `team` is not declared or a request carries none
with spend as (
    select day, provider, workflow, team, usd
    from close_spend
    where usd is not null
    union all
    select day, provider, null as workflow, null as team, amount_usd as usd
    from standing_charges
)

select
    substr(cast(day as varchar), 1, 7) as month, provider, workflow, team,
    cast(sum(usd) as decimal(38, 12)) as spend_usd
from spend
group by substr(cast(day as varchar), 1, 7), provider, workflow, team
order by month, provider, workflow nulls first, team nulls first
