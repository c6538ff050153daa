-- grain: one row per request of the days of `price_touched` with a workflow and a task type, shaped for repricing on another
-- model; the task type is followed by its stratum where evaluations name that, as far as the split looks at difficulty
select
    requests.request_key, requests.day, requests.workflow,
    concat(
        requests.task_type, chr(31),
        case when requests.stratum in (select stratum from evaluations where wins) then requests.stratum else '' end
    ) as task_type,
    requests.provider, requests.time, requests.service_tier, requests.region, requests.input_uncached,
    requests.cache_read, requests.cache_write, requests.cache_write_long, requests.output_nonreasoning,
    requests.output_reasoning, others.extras
from {{requests}} as requests
left join (
    -- few requests use anything beside the six token classes
    select request_key, payload, extras
    from {{records}} as records
    where wins and cardinality(extras) > 0 and day in (select day from price_touched)
) as others on others.request_key = requests.request_key and others.payload = requests.payload
where
    requests.workflow is not null and requests.task_type is not null
    and requests.day in (select day from price_touched)
