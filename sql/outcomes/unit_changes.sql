-- grain: one row per event that changed whether a unit is good: +1 on the day it became good, −1 on a rejection;
-- of touched units
-- Events of a unit are replayed by time, then failed < completed < accepted < rejected, then event id.
with deciding as (
    select
        touched_events.workflow, touched_events.unit_id, touched_events.event_id, touched_events.time,
        touched_events.day, touched_events.value_usd,
        case when touched_events.event = 'rejected' then 0 else 1 end as good,
        case touched_events.event when 'completed' then 1 when 'accepted' then 2 else 3 end as kind_order
    from touched_events
    inner join declared on declared.workflow = touched_events.workflow and declared.grain = 'unit'
    where
        touched_events.event in ('accepted', 'rejected')
        or (touched_events.event = 'completed' and declared.accept = 'completed')
),

stepped as (
    select
        deciding.*,
        coalesce(lag(good) over (partition by workflow, unit_id order by time, kind_order, event_id), 0) as before
    from deciding
),

priced as (
    select
        stepped.workflow, stepped.unit_id, stepped.event_id, stepped.time, stepped.day, stepped.kind_order,
        stepped.good - stepped.before as change,
        case workflow_values.kind when 'fixed' then workflow_values.amount when 'field' then stepped.value_usd end
            as value_usd
    from stepped
    left join workflow_values
        on workflow_values.workflow = stepped.workflow
        and workflow_values.valid_from <= stepped.day and stepped.day < workflow_values.valid_to
    where stepped.good <> stepped.before
)

select
    workflow, unit_id, event_id, time, day, change,
    -- a reversal takes away what the unit was worth when it became good
    case
        when change = 1 then value_usd
        else -lag(value_usd) over (partition by workflow, unit_id order by time, kind_order, event_id)
    end as value_usd
from priced
