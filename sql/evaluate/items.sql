-- grain: one row per unit (or request without a unit) of a task type, drawn in an order that only its id decides
with drawn as (
    select
        workflow, task_type, coalesce(unit_id, request_id) as item_id, request_id, source, unit_id, time, stratum,
        concat(provider, '/', model) as served_model, sha256(concat_ws('|', workflow, task_type, request_key)) as place
    from requests
    where workflow = $workflow and task_type = $task_type and status = 'ok'
),

-- many calls of one unit are one item: their marks would not be independent
units as (
    select *, row_number() over (partition by item_id order by place) as nth from drawn
)

select workflow, task_type, item_id, request_id, source, unit_id, time, stratum, served_model
from units
where nth = 1 and item_id not in (select item_id from evaluated)
order by place
limit $pairs
