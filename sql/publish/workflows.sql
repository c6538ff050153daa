-- grain: one row per declared workflow: its unit, whether its outcomes have a declared value, events ever received
select
    declared.workflow, declared.unit, declared.grain,
    declared.workflow in (select workflow from workflow_values) as has_value,
    coalesce(events.outcome_events, 0) as outcome_events
from declared
left join (
    select workflow, count(*) as outcome_events from outcome_events group by workflow
) as events on events.workflow = declared.workflow
order by declared.workflow
