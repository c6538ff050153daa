-- grain: one row per (day, workflow): units with a failed event on that day that are not good at its end
select failures.day, failures.workflow, count(*) as failed_units
from (
    select distinct outcome_events.day, outcome_events.workflow, outcome_events.unit_id
    from outcome_events
    inner join declared on declared.workflow = outcome_events.workflow
    where outcome_events.event = 'failed' and outcome_events.day in (select day from cost_days)
) as failures
where coalesce((
    select sum(unit_changes.change)
    from unit_changes
    where
        unit_changes.workflow = failures.workflow and unit_changes.unit_id = failures.unit_id
        and unit_changes.day <= failures.day
), 0) = 0
group by failures.day, failures.workflow
