-- grain: one row per (workflow, unit) that has a request or an event
with borne as (
    select
        allocations.workflow, allocations.unit_id, min(requests.time) as first_request, count(*) as requests,
        count(distinct coalesce(concat('=', requests.attempt_id), '')) as attempts,
        sum(allocations.cost_usd) as spend_usd
    from allocations
    inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    inner join touched_units
        on touched_units.workflow = allocations.workflow and touched_units.unit_id = allocations.unit_id
    group by allocations.workflow, allocations.unit_id
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
    borne.first_request, unit_status.outcome_day, coalesce(borne.attempts, 0) as attempts,
    coalesce(borne.requests, 0) as requests,
    case when borne.unit_id is null then 0 else borne.spend_usd end as spend_usd, unit_status.value_usd
from known
inner join declared on declared.workflow = known.workflow
left join borne on borne.workflow = known.workflow and borne.unit_id = known.unit_id
left join unit_status on unit_status.workflow = known.workflow and unit_status.unit_id = known.unit_id
