-- grain: one row per evaluated (workflow, task type, item, model)
select distinct workflow, task_type, item_id, concat(provider, '/', model) as model
from evaluations
order by workflow, task_type, item_id, model
