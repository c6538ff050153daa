-- grain: one row per (workflow, task type, canonical model) of the period's requests with a task type
select
    workflow, task_type, model_key,
    mode(concat(provider, '/', model) order by concat(provider, '/', model)) as model,
    count(*) as requests, count(cost_usd) as priced_requests, coalesce(sum(cost_usd), 0) as spend_usd,
    cast($days as bigint) as days,
    cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(cache_read) as bigint) as cache_read_tokens,
    cast(sum(cache_write) as bigint) as cache_write_tokens,
    cast(sum(cache_write_long) as bigint) as cache_write_long_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens, cast(sum(output_reasoning) as bigint) as reasoning_tokens,
    count(distinct unit_id) as units, count(*) filter (where status = 'error') as error_requests
from requests
where
    workflow in (select workflow from declared) and task_type is not null
    and day between cast($first_day as date) and cast($as_of as date)
group by workflow, task_type, model_key
order by workflow, task_type, model_key
