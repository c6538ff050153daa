-- grain: one row per event that changed whether a unit is good: +1 on the day it became good, −1 on a rejection
-- Events of a unit are replayed by time, then failed < completed < accepted < rejected, then event id.
with deciding as (
    select
        outcome_events.workflow, outcome_events.unit_id, outcome_events.event_id, outcome_events.time,
        outcome_events.day, outcome_events.value_usd,
        case when outcome_events.event = 'rejected' then 0 else 1 end as good,
        case outcome_events.event when 'completed' then 1 when 'accepted' then 2 else 3 end as kind_order
    from outcome_events
    inner join declared on declared.workflow = outcome_events.workflow and declared.grain = 'unit'
    where
        (
            outcome_events.event in ('accepted', 'rejected')
            or (outcome_events.event = 'completed' and declared.accept = 'completed')
        )
        and exists (
            select 1 from touched_units
            where touched_units.workflow = outcome_events.workflow and touched_units.unit_id = outcome_events.unit_id
        )
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
