-- grain: one row per (workflow, task type, tier): the 95th percentile of its answered requests' milliseconds
select
    requests.workflow, requests.task_type, coalesce(requests.tier, 'no tier') as tier,
    quantile_disc(requests.latency_ms, 0.95) as latency_p95_ms
from requests
inner join trial_phases
    on trial_phases.workflow = requests.workflow and trial_phases.task_type = requests.task_type
    and requests.time >= trial_phases.since and requests.time < trial_phases.until
where requests.status = 'ok' and requests.latency_ms > 0 and requests.day <= cast($as_of as date)
group by requests.workflow, requests.task_type, requests.tier
order by requests.workflow, requests.task_type, requests.tier
