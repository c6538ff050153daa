-- grain: one row per (workflow, task type, tier) of 28 days to as-of: what each tier gives a task
select
    workflow, task_type, coalesce(tier, 'no tier') as tier, count(*) as requests,
    count(*) filter (where status = 'error') as errors,
    quantile_disc(latency_ms, 0.5) filter (where status = 'ok' and latency_ms > 0) as latency_p50_ms,
    quantile_disc(latency_ms, 0.95) filter (where status = 'ok' and latency_ms > 0) as latency_p95_ms
from requests
where workflow is not null and task_type is not null and day <= cast($as_of as date) and day > cast($before as date)
group by workflow, task_type, tier
order by workflow, task_type, tier
