-- grain: one row per (unit, task on trial): the calls up to its first failure or rejection, and what became of it
with first_fault as (
    select workflow, unit_id, min(time) as at
    from outcome_events
    where event in ('failed', 'rejected')
    group by workflow, unit_id
),

marked as (
    select
        trial_calls.workflow, trial_tasks.task_type as trial_task, trial_calls.unit_id, trial_calls.time,
        trial_calls.day, trial_calls.tier, trial_calls.stratum, trial_calls.cost_usd, first_fault.at as fault_at,
        trial_calls.task_type = trial_tasks.task_type as own,
        first_fault.at is null or trial_calls.time <= first_fault.at as before_fault
    from trial_calls
    inner join trial_tasks on trial_tasks.workflow = trial_calls.workflow
    left join first_fault
        on first_fault.workflow = trial_calls.workflow and first_fault.unit_id = trial_calls.unit_id
)

select
    marked.workflow, marked.trial_task as task_type, marked.unit_id,
    min(case when own then marked.time end) as first_call, min(case when own then marked.day end) as day,
    min(case when own and before_fault then marked.tier end) as least_tier,
    max(case when own and before_fault then marked.tier end) as greatest_tier,
    coalesce(max(case when own then marked.stratum end), '') as stratum,
    sum(case when own and before_fault then marked.cost_usd else 0 end) as task_usd,
    sum(case when not own and before_fault then marked.cost_usd else 0 end) as other_usd,
    max(case when unit_status.status in ('good', 'rejected', 'failed') then 1 else 0 end) as settled,
    max(case when unit_status.status = 'good' then 1 else 0 end) as outcome,
    max(case when unit_status.status = 'good' and marked.fault_at is null then 1 else 0 end) as good
from marked
left join unit_status on unit_status.workflow = marked.workflow and unit_status.unit_id = marked.unit_id
group by marked.workflow, marked.trial_task, marked.unit_id
having min(case when own and before_fault then marked.time end) is not null
