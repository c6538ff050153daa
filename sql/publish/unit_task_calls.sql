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
    from allocations
    inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    where
        requests.units is not null and requests.task_type is not null and allocations.unit_id is not null
        and requests.day in (select day from calls_touched)
),

counted as (
    select day, workflow, task_type, stratum, unit_id, count(*) as calls
    from calls
    group by day, workflow, task_type, stratum, unit_id
),

-- no other unit has requests on these days
living as (
    select workflow, unit_id, status, first_day, last_day
    from unit_costs
    where
        last_day >= (select min(day) from calls_touched) and first_day <= (select max(day) from calls_touched)
)

select
    counted.day, counted.workflow, counted.task_type, counted.stratum, counted.unit_id, counted.calls,
    coalesce(living.status in ('good', 'rejected', 'failed'), false) as settled,
    coalesce(living.first_day < living.last_day, true) as apart
from counted
left join living on living.workflow = counted.workflow and living.unit_id = counted.unit_id
