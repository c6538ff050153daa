-- grain: one row per (week, workflow) of the weeks of `bridge_weeks`: tries at units that bear spend in that week
-- Per unit: its distinct attempt ids; without any, one plus one per failed event. A workflow of grain `day` has no units:
-- its distinct attempt ids; without any, what was completed or failed by the counts.
with worked as (
    select week, workflow, unit_id, count(attempt_id) as named
    from (
        -- what one unit, or a workflow without units, bears whole is told by the request itself
        select
            cast(date_trunc('week', requests.day) as date) as week, requests.workflow,
            case when declared.grain = 'unit' then requests.unit_id end as unit_id, requests.attempt_id
        from requests
        inner join declared on declared.workflow = requests.workflow
        where requests.reason is null and (requests.units is null or declared.grain = 'day') and {{near}}
        union
        select
            cast(date_trunc('week', requests.day) as date) as week, allocations.workflow, allocations.unit_id,
            requests.attempt_id
        from allocations
        inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
        inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
        where requests.units is not null and {{near}}
    ) as called
    where week in (select week from bridge_weeks)
    group by week, workflow, unit_id
),

unnamed as (
    select week, workflow, unit_id from worked where named = 0
),

failures as (
    select cast(date_trunc('week', day) as date) as week, workflow, unit_id, count(*) as failures
    from outcome_events
    where event = 'failed' and cast(date_trunc('week', day) as date) in (select week from bridge_weeks)
    group by cast(date_trunc('week', day) as date), workflow, unit_id
),

counted as (
    select cast(date_trunc('week', day) as date) as week, workflow, sum(completed + failed) as tries
    from outcome_counts
    where wins and cast(date_trunc('week', day) as date) in (select week from bridge_weeks)
    group by cast(date_trunc('week', day) as date), workflow
)

select week, workflow, cast(sum(attempts) as bigint) as attempts
from (
    select week, workflow, sum(named) as attempts
    from worked
    where named > 0
    group by week, workflow
    union all
    select
        unnamed.week, unnamed.workflow,
        case
            when unnamed.unit_id is null then greatest(coalesce(counted.tries, 0), 1)
            else 1 + coalesce(failures.failures, 0)
        end as attempts
    from unnamed
    left join failures
        on failures.week = unnamed.week and failures.workflow = unnamed.workflow
        and failures.unit_id = unnamed.unit_id
    left join counted on counted.week = unnamed.week and counted.workflow = unnamed.workflow
) as tried
group by week, workflow
