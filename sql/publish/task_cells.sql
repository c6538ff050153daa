-- grain: one row per (day, workflow, task type, tier, provider, model) of touched days with a workflow
select
    day, workflow, task_type, tier, provider, model, count(*) as requests,
    cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(cost_usd) as decimal(38, 12)) as spend_usd,
    quantile_disc(latency_ms, 0.5) as latency_p50_ms, quantile_disc(latency_ms, 0.95) as latency_p95_ms
from requests
where workflow is not null and day in (select day from cells_touched)
group by day, workflow, task_type, tier, provider, model
