-- grain: one row per outcome event read in this run or stored under the same event id: which one counts
-- The later time wins, then the greater canonical text. `which`: the stored events that can matter.
select
    event_id, canonical, source, file, line, fresh,
    row_number() over (partition by event_id order by time desc, canonical desc, fresh, source, file, line) as place,
    row_number() over (partition by event_id, canonical order by fresh, source, file, line) as repetition
from (
    select event_id, canonical, time, source, file, line, 1 as fresh from incoming_outcomes
    union all
    select outcome_events.event_id, outcome_events.canonical, time, source, file, line, 0 as fresh
    from outcome_events
    where {{which}}
) as all_events
