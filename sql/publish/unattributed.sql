-- grain: one row per (day, provider, model, reason, workflow): requests that no unit bears, and fixed costs that no request
-- bears
select
    day, provider, model, reason, cast(sum(requests) as bigint) as requests, sum(spend_usd) as spend_usd, workflow
from request_cells
where reason is not null
group by day, provider, model, reason, workflow
union all
select day, provider, model, reason, 0 as requests, sum(amount_usd) as spend_usd, null as workflow
from standing_charges
group by day, provider, model, reason
order by day, provider, model, reason, workflow nulls first
