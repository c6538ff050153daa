-- grain: one row per touched (workflow, unit) that has a request or an event
-- All requests of touched units lie on the days of `cost_days`.
with called as (
    -- what one unit bears whole is told by the request itself
    select requests.day, requests.workflow, requests.unit_id, requests.time, requests.attempt_id, requests.cost_usd
    from requests
    inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
    where requests.reason is null and requests.units is null and requests.day in (select day from cost_days)
    union all
    select
        requests.day, allocations.workflow, allocations.unit_id, requests.time, requests.attempt_id,
        allocations.cost_usd
    from allocations
    inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
    where requests.units is not null and requests.day in (select day from cost_days)
),

-- what has no attempt id is one attempt more
tried as (
    select
        called.workflow, called.unit_id, called.attempt_id, min(called.time) as first_request,
        min(called.day) as first_day, max(called.day) as last_day, count(*) as requests, sum(called.cost_usd) as spend_usd
    from called
    inner join touched_units
        on touched_units.workflow = called.workflow and touched_units.unit_id = called.unit_id
    group by called.workflow, called.unit_id, called.attempt_id
),

borne as (
    select
        workflow, unit_id, min(first_request) as first_request, min(first_day) as first_day, max(last_day) as last_day,
        cast(sum(requests) as bigint) as requests, count(*) as attempts, count(attempt_id) as named_attempts,
        sum(spend_usd) as spend_usd
    from tried
    group by workflow, unit_id
),

known as (
    select workflow, unit_id from borne
    union
    select unit_status.workflow, unit_status.unit_id
    from unit_status
    inner join touched_units
        on touched_units.workflow = unit_status.workflow and touched_units.unit_id = unit_status.unit_id
)

select
    known.workflow, declared.unit, known.unit_id, coalesce(unit_status.status, 'open') as status,
    borne.first_request, borne.first_day, borne.last_day,
    least(borne.first_day, unit_status.first_day) as lived_from,
    greatest(borne.last_day, unit_status.last_day) as lived_to, unit_status.outcome_day,
    coalesce(borne.attempts, 0) as attempts,
    coalesce(borne.named_attempts, 0) as named_attempts, coalesce(borne.requests, 0) as requests,
    case when borne.unit_id is null then 0 else borne.spend_usd end as spend_usd, unit_status.value_usd
from known
inner join declared on declared.workflow = known.workflow
left join borne on borne.workflow = known.workflow and borne.unit_id = known.unit_id
left join unit_status on unit_status.workflow = known.workflow and unit_status.unit_id = known.unit_id
