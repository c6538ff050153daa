-- grain: one row per (day, provider, model): all requests and their spend, attributed or not
select
    day, provider, model, count(*) as requests, count(*) filter (where cost_usd is null) as unpriced_requests,
    sum(cost_usd) as spend_usd,
    coalesce(sum(case when reason is not null then cost_usd end), 0) as unattributed_usd
from requests
group by day, provider, model
order by day, provider, model
