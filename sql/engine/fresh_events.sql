-- grain: one row per outcome event read in this run that is no repetition, with its place among those of its id
select
    incoming_outcomes.*, cast(incoming_outcomes.time at time zone '{{zone}}' as date) as day, event_places.place
from incoming_outcomes
inner join event_places
    on event_places.event_id = incoming_outcomes.event_id and event_places.canonical = incoming_outcomes.canonical
    and event_places.source = incoming_outcomes.source and event_places.file = incoming_outcomes.file
    and event_places.line = incoming_outcomes.line
where event_places.fresh = 1 and event_places.repetition = 1
