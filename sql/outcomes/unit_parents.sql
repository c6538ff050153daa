-- grain: one row per touched (workflow, unit) whose events name a parent of a declared workflow
-- The last event that names a parent decides (by time, then failed < completed < accepted < rejected, then event id); a
-- parent without a workflow is of the unit's own. `named` counts the different parents that its events name.
with told as (
    select
        outcome_events.workflow, outcome_events.unit_id,
        coalesce(outcome_events.parent_workflow, outcome_events.workflow) as parent_workflow,
        outcome_events.parent_unit_id,
        row_number() over (
            partition by outcome_events.workflow, outcome_events.unit_id
            order by
                outcome_events.time desc,
                case outcome_events.event
                    when 'failed' then 0 when 'completed' then 1 when 'accepted' then 2 else 3
                end desc,
                outcome_events.event_id desc
        ) as recency
    from outcome_events
    inner join touched_units
        on touched_units.workflow = outcome_events.workflow and touched_units.unit_id = outcome_events.unit_id
    inner join declared on declared.workflow = outcome_events.workflow and declared.grain = 'unit'
    inner join declared as above
        on above.workflow = coalesce(outcome_events.parent_workflow, outcome_events.workflow) and above.grain = 'unit'
    where outcome_events.parent_unit_id is not null
)

select
    workflow, unit_id, max(case when recency = 1 then parent_workflow end) as parent_workflow,
    max(case when recency = 1 then parent_unit_id end) as parent_unit_id,
    count(distinct concat(parent_workflow, chr(31), parent_unit_id)) as named
from told
group by workflow, unit_id
