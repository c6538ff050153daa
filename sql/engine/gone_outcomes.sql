-- grain: one row per outcome event of the ledger that a rebuild replaces which no file reports any more
select held_events.*
from held_events
left join (select distinct event_id from fresh_outcomes) as present on present.event_id = held_events.event_id
where present.event_id is null
