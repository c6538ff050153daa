-- grain: one row per (day, workflow, task type, tier, provider, model), of declared workflows
select
    day, workflow, task_type, tier, provider, model, count(*) as requests,
    cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(output_tokens) as bigint) as output_tokens,
    sum(cost_usd) as spend_usd,
    quantile_disc(latency_ms, 0.5) as latency_p50_ms, quantile_disc(latency_ms, 0.95) as latency_p95_ms
from requests
where workflow in (select workflow from declared)
group by day, workflow, task_type, tier, provider, model
order by day, workflow, task_type nulls first, tier nulls first, provider, model
