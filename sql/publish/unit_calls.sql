-- grain: one row per (workflow, task type, calls): units of the last 28 days by the calls that each made for the task
with per_unit as (
    select allocations.workflow, requests.task_type, allocations.unit_id, count(*) as calls
    from allocations
    inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    where
        allocations.unit_id is not null and requests.task_type is not null
        and allocations.day between cast($first_day as date) and cast($as_of as date)
    group by allocations.workflow, requests.task_type, allocations.unit_id
)

select
    per_unit.workflow, per_unit.task_type, per_unit.calls, count(*) as units,
    cast(sum(case when unit_status.status in ('good', 'rejected', 'failed') then 1 else 0 end) as bigint) as settled
from per_unit
left join unit_status on unit_status.workflow = per_unit.workflow and unit_status.unit_id = per_unit.unit_id
group by per_unit.workflow, per_unit.task_type, per_unit.calls
order by per_unit.workflow, per_unit.task_type, per_unit.calls
