-- grain: one row per (week of `bridge_weeks_read`, workflow, task type, model, token class); `week` is its Monday
select
    cast(date_trunc('week', day) as date) as week, workflow, task_type, model, token_class,
    cast(sum(quantity) as decimal(38, 0)) as quantity, cast(sum(amount_usd) as decimal(38, 12)) as amount_usd
from bridge_cells
where cast(date_trunc('week', day) as date) in (select week from bridge_weeks_read)
group by cast(date_trunc('week', day) as date), workflow, task_type, model, token_class
