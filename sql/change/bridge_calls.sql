-- grain: one row per (day, workflow, task type, model) of the days of `bridge_days`: calls that something was charged for
select
    requests.day, requests.workflow, coalesce(requests.task_type, '') as task_type, requests.model_key as model,
    count(*) as calls
from {{requests}} as requests
where
    requests.reason is null and requests.cost_usd is not null and requests.day in (select day from bridge_days)
    and (requests.cost_usd <> 0 or requests.input_tokens + requests.output_tokens > 0)
group by requests.day, requests.workflow, coalesce(requests.task_type, ''), requests.model_key
