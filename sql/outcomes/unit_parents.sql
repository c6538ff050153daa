-- grain: one row per touched (workflow, unit) whose events name a parent of a declared workflow
-- The last event that names a parent decides (by time, then failed < completed < accepted < rejected, then event id); a
-- parent without a workflow is of the unit's own. `named` counts the different parents that its events name.
with told as (
    select
        touched_events.workflow, touched_events.unit_id,
        coalesce(touched_events.parent_workflow, touched_events.workflow) as parent_workflow,
        touched_events.parent_unit_id,
        row_number() over (
            partition by touched_events.workflow, touched_events.unit_id
            order by
                touched_events.time desc,
                case touched_events.event
                    when 'failed' then 0 when 'completed' then 1 when 'accepted' then 2 else 3
                end desc,
                touched_events.event_id desc
        ) as recency
    from touched_events
    inner join declared on declared.workflow = touched_events.workflow and declared.grain = 'unit'
    inner join declared as above
        on above.workflow = coalesce(touched_events.parent_workflow, touched_events.workflow) and above.grain = 'unit'
    where touched_events.parent_unit_id is not null
)

select
    workflow, unit_id, max(case when recency = 1 then parent_workflow end) as parent_workflow,
    max(case when recency = 1 then parent_unit_id end) as parent_unit_id,
    count(distinct concat(parent_workflow, chr(31), parent_unit_id)) as named
from told
group by workflow, unit_id
