-- grain: one row per change and event of a touched unit that a day is told of anew, and per former one, which is taken off
-- Of days that are not worked out whole; `unit_changes` still says what it said before.
with moves as (
    select day, workflow, unit_id, -change as outcomes, -value_usd as value_usd, 0 as events
    from unit_changes
    where (workflow, unit_id) in (select (workflow, unit_id) from touched_units)
    union all
    select day, workflow, unit_id, change as outcomes, value_usd, 0 as events
    from touched_changes
    union all
    select day, workflow, unit_id, 0 as outcomes, cast(null as decimal(28, 12)) as value_usd, -1 as events
    from beaten_events
    where (workflow, unit_id) in (select (workflow, unit_id) from touched_units)
    union all
    select day, workflow, unit_id, 0 as outcomes, cast(null as decimal(28, 12)) as value_usd, 1 as events
    from touched_events
    where event_id in (select event_id from event_places where fresh = 1 and place = 1)
)

select day, workflow, unit_id, outcomes, value_usd, events
from moves
where not ({{whole}})
