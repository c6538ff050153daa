-- grain: one row per (week, workflow) of the weeks of `bridge_weeks`: tries at units that bear spend in that week
-- Per unit: its distinct attempt ids; without any, one plus one per failed event. A workflow of grain `day` has no units:
-- its distinct attempt ids; without any, what was completed or failed by the counts.
-- All requests of most units lie in one week: their cost tells their attempts, and none of their requests is read.
with whole as (
    select cast(date_trunc('week', first_day) as date) as week, workflow, unit_id, named_attempts as named
    from unit_costs
    where
        requests > 0 and named_attempts is not null and date_trunc('week', first_day) = date_trunc('week', last_day)
        and cast(date_trunc('week', first_day) as date) in (select week from bridge_weeks)
),

-- the others, and those of which an earlier build did not say so
cut as (
    select workflow, unit_id
    from unit_costs
    where
        requests > 0
        and (
            named_attempts is null or first_day is null or last_day is null
            or (
                date_trunc('week', first_day) <> date_trunc('week', last_day)
                and cast(date_trunc('week', last_day) as date) >= (select min(week) from bridge_weeks)
                and cast(date_trunc('week', first_day) as date) <= (select max(week) from bridge_weeks)
            )
        )
),

called as (
    -- what one unit bears whole is told by the request itself
    select
        cast(date_trunc('week', requests.day) as date) as week, requests.workflow, requests.unit_id, requests.attempt_id
    from requests
    inner join cut on cut.workflow = requests.workflow and cut.unit_id = requests.unit_id
    where requests.reason is null and requests.units is null and {{near}}
    union
    select
        cast(date_trunc('week', requests.day) as date) as week, allocations.workflow, allocations.unit_id,
        requests.attempt_id
    from allocations
    inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    inner join cut on cut.workflow = allocations.workflow and cut.unit_id = allocations.unit_id
    where requests.units is not null and {{near}}
    union
    select
        cast(date_trunc('week', requests.day) as date) as week, requests.workflow, cast(null as varchar) as unit_id,
        requests.attempt_id
    from requests
    inner join declared on declared.workflow = requests.workflow and declared.grain = 'day'
    where requests.reason is null and {{near}}
),

worked as (
    select week, workflow, unit_id, named
    from whole
    union all
    select week, workflow, unit_id, count(attempt_id) as named
    from called
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
