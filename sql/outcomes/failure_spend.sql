-- grain: one row per (day, workflow): what failed or rejected units bear, and of other units what requests with an
-- error, or of a failed or rejected attempt, cost; follows the status at as-of
with failed_attempts as (
    select distinct workflow, unit_id, attempt_id
    from outcome_events
    where event in ('failed', 'rejected') and attempt_id is not null
)

select allocations.day, allocations.workflow, sum(allocations.cost_usd) as spend, count(allocations.cost_usd) as priced
from allocations
inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
left join unit_status on unit_status.workflow = allocations.workflow and unit_status.unit_id = allocations.unit_id
left join failed_attempts
    on failed_attempts.workflow = allocations.workflow and failed_attempts.unit_id = allocations.unit_id
    and failed_attempts.attempt_id = requests.attempt_id
where
    allocations.day in (select day from cost_days)
    and (
        unit_status.status in ('failed', 'rejected')
        or requests.status = 'error'
        or failed_attempts.attempt_id is not null
    )
group by allocations.day, allocations.workflow
