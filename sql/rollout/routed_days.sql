-- grain: one row per (day, workflow, task type, policy version, tier) of the requests made while a route was in force
select
    requests.day, requests.workflow, requests.task_type, route_phases.policy_version, route_phases.since,
    coalesce(requests.tier, 'no tier') as tier, count(*) as requests, count(requests.cost_usd) as priced_requests,
    count(distinct requests.unit_id) as units, coalesce(sum(requests.cost_usd), 0) as spend_usd
from requests
inner join route_phases
    on route_phases.workflow = requests.workflow and route_phases.task_type = requests.task_type
    and requests.time >= route_phases.since and requests.time < route_phases.until
where requests.day <= cast($as_of as date)
group by
    requests.day, requests.workflow, requests.task_type, route_phases.policy_version, route_phases.since, requests.tier
order by
    requests.day, requests.workflow, requests.task_type, route_phases.policy_version, route_phases.since, requests.tier
