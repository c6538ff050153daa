-- grain: one row per touched (workflow, unit) with an event: good, rejected, failed or open, and when it last became good
with seen as (
    select
        touched_events.workflow, touched_events.unit_id,
        max(case when event = 'rejected' then 1 else 0 end) as rejected,
        max(case when event = 'failed' then 1 else 0 end) as failed, min(touched_events.day) as first_day,
        max(touched_events.day) as last_day
    from touched_events
    inner join declared on declared.workflow = touched_events.workflow and declared.grain = 'unit'
    group by touched_events.workflow, touched_events.unit_id
),

last_change as (
    select
        workflow, unit_id, sum(change) as good,
        max(case when change = 1 then time end) as became_good
    from touched_changes
    group by workflow, unit_id
)

select
    seen.workflow, seen.unit_id, seen.first_day, seen.last_day,
    case
        when coalesce(last_change.good, 0) = 1 then 'good'
        when seen.rejected = 1 then 'rejected'
        when seen.failed = 1 then 'failed'
        else 'open'
    end as status,
    case when last_change.good = 1 then unit_changes.day end as outcome_day,
    case when last_change.good = 1 then unit_changes.value_usd end as value_usd
from seen
left join last_change on last_change.workflow = seen.workflow and last_change.unit_id = seen.unit_id
left join (
    select
        workflow, unit_id, day, value_usd,
        row_number() over (partition by workflow, unit_id order by time desc, event_id desc) as recency
    from touched_changes
    where change = 1
) as unit_changes
    on unit_changes.workflow = seen.workflow and unit_changes.unit_id = seen.unit_id and unit_changes.recency = 1
