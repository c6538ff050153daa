-- grain: one row per (workflow, task type, stratum, calls): units of the last 28 days by the calls that each made there
-- A stratum of null stands for all calls of the task, an empty one for those without a stratum.
with calls as (
    -- what one unit bears whole is told by the request itself
    select requests.workflow, requests.task_type, coalesce(requests.stratum, '') as stratum, requests.unit_id
    from requests
    inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
    where
        requests.reason is null and requests.units is null and requests.task_type is not null
        and requests.day between cast($first_day as date) and cast($as_of as date)
    union all
    select allocations.workflow, requests.task_type, coalesce(requests.stratum, '') as stratum, allocations.unit_id
    from requests
    inner join allocations on allocations.request_key = requests.request_key and allocations.day = requests.day
    where
        requests.units is not null and requests.task_type is not null and allocations.unit_id is not null
        and requests.day between cast($first_day as date) and cast($as_of as date)
),

per_stratum as (
    select workflow, task_type, stratum, unit_id, count(*) as calls
    from calls
    group by workflow, task_type, stratum, unit_id
),

per_unit as (
    select workflow, task_type, stratum, unit_id, calls
    from per_stratum
    union all
    select workflow, task_type, cast(null as varchar) as stratum, unit_id, cast(sum(calls) as bigint) as calls
    from per_stratum
    group by workflow, task_type, unit_id
)

select
    per_unit.workflow, per_unit.task_type, per_unit.stratum, per_unit.calls, count(*) as units,
    cast(sum(case when unit_status.status in ('good', 'rejected', 'failed') then 1 else 0 end) as bigint) as settled
from per_unit
left join unit_status on unit_status.workflow = per_unit.workflow and unit_status.unit_id = per_unit.unit_id
group by per_unit.workflow, per_unit.task_type, per_unit.stratum, per_unit.calls
order by per_unit.workflow, per_unit.task_type, per_unit.stratum nulls first, per_unit.calls
