-- grain: one row per (workflow, task type, canonical model) of the period's requests with a task type
-- `model`: the name under which most of its requests were logged, the first of several
with named as (
    select
        workflow, task_type, model_key, concat(provider, '/', model) as model, sum(requests) as requests,
        sum(priced_requests) as priced_requests, sum(spend_usd) as spend_usd
    from request_cells
    where
        workflow in (select workflow from declared) and task_type is not null
        and day between cast($first_day as date) and cast($as_of as date)
    group by workflow, task_type, model_key, concat(provider, '/', model)
),

placed as (
    select
        *,
        row_number() over (partition by workflow, task_type, model_key order by requests desc, model) as place
    from named
)

select
    workflow, task_type, model_key, min(case when place = 1 then model end) as model,
    cast(sum(requests) as bigint) as requests, cast(sum(priced_requests) as bigint) as priced_requests,
    coalesce(sum(spend_usd), 0) as spend_usd, cast($days as bigint) as days
from placed
group by workflow, task_type, model_key
order by workflow, task_type, model_key
