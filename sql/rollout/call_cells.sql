-- grain: one row per (workflow, task type, day, phase, tier): requests, errors, and answers slower than the limit
select
    requests.workflow, requests.task_type, requests.day, trial_phases.since,
    coalesce(requests.tier, 'no tier') as tier, count(*) as requests,
    count(*) filter (where requests.status = 'error') as errors,
    count(*) filter (where requests.status = 'ok' and requests.latency_ms > 0) as timed,
    count(*) filter (where requests.status = 'ok' and requests.latency_ms > trial_limits.latency_ms) as slow
from requests
inner join trial_phases
    on trial_phases.workflow = requests.workflow and trial_phases.task_type = requests.task_type
    and requests.time >= trial_phases.since and requests.time < trial_phases.until
left join trial_limits
    on trial_limits.workflow = requests.workflow and trial_limits.task_type = requests.task_type
    and trial_limits.tier = coalesce(requests.tier, 'no tier')
where requests.day <= cast($as_of as date)
group by requests.workflow, requests.task_type, requests.day, trial_phases.since, requests.tier
order by requests.workflow, requests.task_type, requests.day, trial_phases.since, requests.tier
