-- grain: one row per (day, workflow): units with a failed event on that day that are not good at its end; where the
-- workflow has no units, the failures that were counted
select failures.day, failures.workflow, count(*) as failed_units
from (
    select failed.day, failed.workflow, failed.unit_id
    from (
        select distinct outcome_events.day, outcome_events.workflow, outcome_events.unit_id
        from outcome_events
        inner join declared on declared.workflow = outcome_events.workflow and declared.grain = 'unit'
        where outcome_events.event = 'failed' and outcome_events.day in (select day from cost_days)
    ) as failed
    left join unit_changes
        on
            unit_changes.workflow = failed.workflow and unit_changes.unit_id = failed.unit_id
            and unit_changes.day <= failed.day
    group by failed.day, failed.workflow, failed.unit_id
    having coalesce(sum(unit_changes.change), 0) = 0
) as failures
group by failures.day, failures.workflow
union all
select outcome_counts.day, outcome_counts.workflow, outcome_counts.failed as failed_units
from outcome_counts
inner join declared on declared.workflow = outcome_counts.workflow and declared.grain = 'day'
where outcome_counts.wins and outcome_counts.failed > 0 and outcome_counts.day in (select day from cost_days)
