-- grain: one row per (day of the reporting zone, UTC day, provider, account, workflow, team): what the touched days hold
-- The account is the dimension `account`, else `project`. The workflow is empty for what no unit bears; account and team where the request carries none. `usd` is NULL where
-- nothing of it has a price.
with carried as (
    select
        request_key,
        coalesce(
            min(case when dimension = 'account' then value end), min(case when dimension = 'project' then value end)
        ) as account,
        min(case when dimension = 'team' then value end) as team
    from {{request_dimensions}} as request_dimensions
    where dimension in ('account', 'project', 'team') and day in (select day from close_touched)
    group by request_key
)

select
    requests.day, requests.utc_day, requests.provider, coalesce(carried.account, '') as account,
    case when requests.reason is null then requests.workflow end as workflow, carried.team,
    cast(sum(requests.cost_usd) as decimal(38, 12)) as usd
from {{requests}} as requests
left join carried on carried.request_key = requests.request_key
where requests.day in (select day from close_touched)
group by
    requests.day, requests.utc_day, requests.provider, coalesce(carried.account, ''),
    case when requests.reason is null then requests.workflow end, carried.team
