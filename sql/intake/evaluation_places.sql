-- grain: one row per evaluation read in this run or stored under the same key: which one counts
-- The later time wins, then the greater canonical text.
select
    id, source, file, fresh,
    row_number() over (
        partition by workflow, task_type, item_id, provider, model
        order by time desc, canonical desc, fresh, source, file, line, id
    ) as place,
    row_number() over (
        partition by workflow, task_type, item_id, provider, model, canonical order by fresh, source, file, line, id
    ) as repetition
from (
    select rowid as id, workflow, task_type, item_id, provider, model, canonical, time, source, file, line, 1 as fresh
    from incoming_evaluations
    union all
    select
        stored.rowid as id, stored.workflow, stored.task_type, stored.item_id, stored.provider, stored.model,
        stored.canonical, stored.time, stored.source, stored.file, stored.line, 0 as fresh
    from evaluations as stored
    where
        (workflow, task_type, item_id, provider, model)
        in (select (workflow, task_type, item_id, provider, model) from incoming_evaluations)
) as all_evaluations
