-- grain: one row per (day, workflow): what failed or rejected units bear, and of other units what requests with an
-- error, or of a failed or rejected attempt, cost; follows the status at as-of
with failed_attempts as (
    select distinct workflow, unit_id, attempt_id
    from outcome_events
    where event in ('failed', 'rejected') and attempt_id is not null
),

failed as (
    select workflow, unit_id from unit_status where status in ('failed', 'rejected')
),

called as (
    -- what one unit, or a workflow without units, bears whole is told by the request itself
    select
        requests.day, requests.workflow, case when declared.grain = 'unit' then requests.unit_id end as unit_id,
        requests.attempt_id, requests.status, requests.cost_usd
    from requests
    inner join declared on declared.workflow = requests.workflow
    where
        requests.reason is null and (requests.units is null or declared.grain = 'day')
        and requests.day in (select day from cost_days)
    union all
    select
        allocations.day, allocations.workflow, allocations.unit_id, requests.attempt_id, requests.status,
        allocations.cost_usd
    from allocations
    inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
    where requests.units is not null and requests.day in (select day from cost_days)
)

select called.day, called.workflow, sum(called.cost_usd) as spend, count(called.cost_usd) as priced
from called
left join failed on failed.workflow = called.workflow and failed.unit_id = called.unit_id
left join failed_attempts
    on failed_attempts.workflow = called.workflow and failed_attempts.unit_id = called.unit_id
    and failed_attempts.attempt_id = called.attempt_id
where failed.unit_id is not null or called.status = 'error' or failed_attempts.attempt_id is not null
group by called.day, called.workflow
