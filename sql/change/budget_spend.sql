-- grain: one row per (scope, value, day) up to as-of: all spend that carries the value, whether a unit bears it or not
-- Spend, and what of it no unit bears, are empty where nothing of them has a price. `total` is the published `daily_spend`, so that both always say the same; its value is `*`.
with carried as (
    select 'workflow' as scope, workflow as value, day, cost_usd, reason from requests where workflow is not null
    union all
    select 'source' as scope, source as value, day, cost_usd, reason from requests
    union all
    select 'task_type' as scope, task_type as value, day, cost_usd, reason from requests where task_type is not null
    union all
    select request_dimensions.dimension as scope, request_dimensions.value, requests.day, requests.cost_usd, requests.reason
    from request_dimensions
    inner join requests
        on requests.request_key = request_dimensions.request_key and requests.day = request_dimensions.day
    where request_dimensions.dimension <> 'source'
),

everything as (
{{daily_spend}}
)

select
    carried.scope, carried.value, carried.day, sum(carried.cost_usd) as spend_usd,
    case
        when count(carried.reason) = 0 or count(case when carried.reason is not null then carried.cost_usd end) > 0
            then coalesce(sum(case when carried.reason is not null then carried.cost_usd end), 0)
    end as unattributed_usd
from carried
inner join budget_subjects on budget_subjects.scope = carried.scope and budget_subjects.value = carried.value
where carried.day <= cast($as_of as date)
group by carried.scope, carried.value, carried.day
union all
select
    'total' as scope, '*' as value, day, sum(spend_usd) as spend_usd,
    case
        when sum(unattributed_requests) = 0 or sum(unattributed_priced) > 0 then coalesce(sum(unattributed_usd), 0)
    end as unattributed_usd
from everything
where day <= cast($as_of as date)
group by day
order by scope, value, day
