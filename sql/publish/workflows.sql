-- grain: one row per declared workflow: its unit, whether its outcomes have a declared value, and how many events
-- (grain `day`: days with counts) ever arrived
select
    declared.workflow, declared.unit, declared.grain,
    declared.workflow in (select workflow from workflow_values) as has_value,
    coalesce(case when declared.grain = 'day' then counts.reports else events.outcome_events end, 0) as outcome_events
from declared
left join (
    select workflow, count(*) as outcome_events from outcome_events group by workflow
) as events on events.workflow = declared.workflow
left join (
    select workflow, count(*) as reports from outcome_counts where wins group by workflow
) as counts on counts.workflow = declared.workflow
order by declared.workflow
