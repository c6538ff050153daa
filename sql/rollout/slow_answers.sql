-- grain: one row per (day, workflow, task type, tier) with a limit: answers that took longer
select requests.day, requests.workflow, requests.task_type, tier_limits.tier, count(*) as slow
from requests
inner join tier_limits
    on tier_limits.workflow = requests.workflow and tier_limits.task_type = requests.task_type
    and tier_limits.day = requests.day and tier_limits.tier = coalesce(requests.tier, 'no tier')
where requests.status = 'ok' and requests.latency_ms > tier_limits.limit_ms
group by requests.day, requests.workflow, requests.task_type, tier_limits.tier
order by requests.day, requests.workflow, requests.task_type, tier_limits.tier
