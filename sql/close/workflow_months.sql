-- grain: one row per (month of the reporting zone, workflow): what a shared cost can be spread by
select
    substr(cast(day as varchar), 1, 7) as month, workflow, coalesce(sum(spend_usd), 0) as spend_usd,
    cast(sum(requests) as bigint) as requests, cast(sum(input_tokens + output_tokens) as bigint) as tokens,
    cast(sum(outcomes) as bigint) as outcomes
from daily_cost
group by substr(cast(day as varchar), 1, 7), workflow
order by month, workflow
