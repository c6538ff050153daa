-- grain: one row per (day, workflow, task type, tier, provider, model), of declared workflows
select
    day, workflow, task_type, tier, provider, model, requests, input_tokens, output_tokens, spend_usd, latency_p50_ms,
    latency_p95_ms
from task_cells
where workflow in (select workflow from declared)
order by day, workflow, task_type nulls first, tier nulls first, provider, model
