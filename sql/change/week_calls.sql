-- grain: one row per (week of `bridge_weeks_read`, workflow, task type, model); `week` is its Monday
select
    cast(date_trunc('week', day) as date) as week, workflow, task_type, model, cast(sum(calls) as bigint) as calls
from bridge_calls
where cast(date_trunc('week', day) as date) in (select week from bridge_weeks_read)
group by cast(date_trunc('week', day) as date), workflow, task_type, model
