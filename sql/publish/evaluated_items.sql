-- grain: one row per evaluated (workflow, task type, item, model, whether it was a live call that a tool scored)
select distinct workflow, task_type, item_id, concat(provider, '/', model) as model, false as live
from evaluations
union all
select distinct workflow, task_type, item_id, concat(provider, '/', model) as model, true as live
from live_scores
where reason is null
order by workflow, task_type, item_id, model, live
