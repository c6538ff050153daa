-- grain: one row per (month of the reporting zone, provider, workflow, team) with spend; the workflow is empty for what no
-- unit bears, the team where the dimension `team` is not declared or a request carries none
with teams as (
    select request_key, min(value) as team
    from request_dimensions
    where dimension = 'team'
    group by request_key
),

spend as (
    select
        requests.day, requests.provider, case when requests.reason is null then requests.workflow end as workflow,
        teams.team, requests.cost_usd
    from requests
    left join teams on teams.request_key = requests.request_key
    where requests.cost_usd is not null
    union all
    select day, provider, null as workflow, null as team, amount_usd as cost_usd
    from standing_charges
)

select
    substr(cast(day as varchar), 1, 7) as month, provider, workflow, team,
    cast(sum(cost_usd) as decimal(38, 12)) as spend_usd
from spend
group by substr(cast(day as varchar), 1, 7), provider, workflow, team
order by month, provider, workflow nulls first, team nulls first
