-- grain: one row per (day, workflow, task type, stratum, calls): units all of whose requests lie on that day, by the calls that
-- each made there; a stratum of null stands for all calls of the task
with strata as (
    select distinct workflow, task_type from unit_task_calls where stratum <> ''
),

per_unit as (
    select day, workflow, task_type, stratum, unit_id, settled, calls
    from unit_task_calls
    where not apart
    union all
    -- a task without strata has them all in one
    select day, workflow, task_type, cast(null as varchar) as stratum, unit_id, settled, calls
    from unit_task_calls
    where not apart and (workflow, task_type) not in (select (workflow, task_type) from strata)
    union all
    select
        day, workflow, task_type, cast(null as varchar) as stratum, unit_id, settled, cast(sum(calls) as bigint) as calls
    from unit_task_calls
    where not apart and (workflow, task_type) in (select (workflow, task_type) from strata)
    group by day, workflow, task_type, unit_id, settled
)

select
    day, workflow, task_type, stratum, calls, count(*) as units,
    cast(sum(case when settled then 1 else 0 end) as bigint) as settled
from per_unit
group by day, workflow, task_type, stratum, calls
