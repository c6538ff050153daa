-- grain: one row per (day, workflow, task type, tier) of routed task types: requests, errors, latency of the answers
select
    requests.day, requests.workflow, requests.task_type, coalesce(requests.tier, 'no tier') as tier,
    count(*) as requests, count(*) filter (where requests.status = 'error') as errors,
    count(*) filter (where requests.status = 'ok' and requests.latency_ms > 0) as timed,
    quantile_disc(requests.latency_ms, 0.5) filter (where requests.status = 'ok' and requests.latency_ms > 0) as latency_p50_ms,
    quantile_disc(requests.latency_ms, 0.95) filter (where requests.status = 'ok' and requests.latency_ms > 0) as latency_p95_ms
from requests
inner join routed_tasks
    on routed_tasks.workflow = requests.workflow and routed_tasks.task_type = requests.task_type
where requests.day >= routed_tasks.first_day and requests.day <= cast($as_of as date)
group by requests.day, requests.workflow, requests.task_type, requests.tier
order by requests.day, requests.workflow, requests.task_type, requests.tier
