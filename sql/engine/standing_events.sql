-- grain: one row per outcome event that earlier runs read: the one that counts among them, by the rule of `event_places`
select places.* exclude (place)
from (
    select
        earlier_outcomes.*,
        row_number() over (partition by event_id order by time desc, canonical desc, source, file, line) as place
    from earlier_outcomes
) as places
where place = 1
