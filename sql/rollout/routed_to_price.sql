-- grain: one row per request of a routed task whose declared tiers answered nothing, shaped for repricing on them
select
    requests.request_key, requests.workflow,
    concat_ws('|', requests.task_type, route_phases.policy_version) as task_type, requests.provider, requests.model,
    requests.time, requests.status, requests.service_tier, requests.region, requests.input_uncached,
    requests.cache_read, requests.cache_write, requests.cache_write_long, requests.output_nonreasoning,
    requests.output_reasoning, records.extras, requests.recorded_usd, records.recorded_is_estimate
from requests
inner join records on records.request_key = requests.request_key and records.payload = requests.payload
inner join route_phases
    on route_phases.workflow = requests.workflow and route_phases.task_type = requests.task_type
    and requests.time >= route_phases.since and requests.time < route_phases.until
inner join unanswered
    on unanswered.workflow = requests.workflow and unanswered.task_type = requests.task_type
    and unanswered.policy_version = route_phases.policy_version
where records.wins and requests.day <= cast($as_of as date)
