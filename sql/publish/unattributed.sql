-- grain: one row per (day, provider, model, reason, workflow)
select
    day, provider, model, reason, count(*) as requests, sum(cost_usd) as spend_usd, workflow
from requests
where reason is not null
group by day, provider, model, reason, workflow
order by day, provider, model, reason, workflow nulls first
