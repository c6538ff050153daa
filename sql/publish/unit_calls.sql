-- grain: one row per (workflow, task type, stratum, calls): units of the last 28 days by the calls that each made there
-- A stratum of null stands for all calls of the task, an empty one for those without a stratum.
with per_stratum as (
    select workflow, task_type, stratum, unit_id, settled, cast(sum(calls) as bigint) as calls
    from calls_apart
    where day between cast($first_day as date) and cast($as_of as date)
    group by workflow, task_type, stratum, unit_id, settled
),

per_unit as (
    select workflow, task_type, stratum, settled, calls
    from per_stratum
    union all
    select workflow, task_type, cast(null as varchar) as stratum, settled, cast(sum(calls) as bigint) as calls
    from per_stratum
    group by workflow, task_type, unit_id, settled
),

cells as (
    select workflow, task_type, stratum, calls, units, settled
    from call_cells
    where day between cast($first_day as date) and cast($as_of as date)
    union all
    select workflow, task_type, stratum, calls, 1 as units, case when settled then 1 else 0 end as settled
    from per_unit
)

select
    workflow, task_type, stratum, calls, cast(sum(units) as bigint) as units, cast(sum(settled) as bigint) as settled
from cells
group by workflow, task_type, stratum, calls
order by workflow, task_type, stratum nulls first, calls
