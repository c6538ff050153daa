-- grain: one row per (day, workflow, task type, stratum, unit) of the days of `calls_touched`: the calls that the unit made
-- `apart`: the unit has requests on other days too. A stratum of '' is none.
with calls as (
    -- what one unit bears whole is told by the request itself
    select
        requests.day, requests.workflow, requests.task_type, coalesce(requests.stratum, '') as stratum, requests.unit_id
    from requests
    inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
    where
        requests.reason is null and requests.units is null and requests.task_type is not null
        and requests.day in (select day from calls_touched)
    union all
    select
        requests.day, allocations.workflow, requests.task_type, coalesce(requests.stratum, '') as stratum,
        allocations.unit_id
    from requests
    inner join allocations on allocations.request_key = requests.request_key and allocations.day = requests.day
    where
        requests.units is not null and requests.task_type is not null and allocations.unit_id is not null
        and requests.day in (select day from calls_touched)
),

counted as (
    select day, workflow, task_type, stratum, unit_id, count(*) as calls
    from calls
    group by day, workflow, task_type, stratum, unit_id
)

select
    counted.day, counted.workflow, counted.task_type, counted.stratum, counted.unit_id, counted.calls,
    coalesce(unit_costs.status in ('good', 'rejected', 'failed'), false) as settled,
    coalesce(unit_costs.first_day < unit_costs.last_day, true) as apart
from counted
left join unit_costs on unit_costs.workflow = counted.workflow and unit_costs.unit_id = counted.unit_id
