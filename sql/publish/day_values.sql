-- grain: one row per (day, workflow) of grain `day`: what the outcomes counted on that day are worth
-- A declared worth per outcome beats the value that was reported with the counts.
select
    outcome_counts.day, outcome_counts.workflow,
    cast(
        case
            when workflow_values.kind = 'fixed'
                then workflow_values.amount * (outcome_counts.completed - outcome_counts.rejected)
            else outcome_counts.value_usd
        end as decimal(38, 12)
    ) as value_usd
from outcome_counts
inner join declared on declared.workflow = outcome_counts.workflow and declared.grain = 'day'
inner join workflow_values
    on workflow_values.workflow = outcome_counts.workflow
    and workflow_values.valid_from <= outcome_counts.day and outcome_counts.day < workflow_values.valid_to
where outcome_counts.wins
order by outcome_counts.day, outcome_counts.workflow
