-- grain: one row per outcome event that counts
with every as (
    select incoming_outcomes.*, 1 as fresh from incoming_outcomes
    union all
    select outcome_events.*, 0 as fresh from outcome_events
)

select every.* exclude (fresh), cast(every.time at time zone '{{zone}}' as date) as day
from every
inner join event_places
    on event_places.event_id = every.event_id and event_places.canonical = every.canonical
    and event_places.source = every.source and event_places.file = every.file and event_places.line = every.line
    and event_places.fresh = every.fresh
where event_places.place = 1
