-- grain: one row per day of `fresh_days` that is worked out already, and whose only news are a few requests that concern
-- none of the day's others
-- A request concerns others that share its call or its trace. A day is worked out anew after so many additions, too, that
-- its files would lie in many pieces.
with fresh as (
    select day, count(*) as requests
    from records
    where wins and run_id = {{run}} and day in (select day from fresh_days)
    group by day
),

concerned as (
    select day
    from records
    where wins and run_id = {{run}} and group_key in (select group_key from shared_groups)
    union
    select day
    from records
    where wins and run_id = {{run}} and trace_id in (select trace_id from spans)
),

held as (
    select day, count(*) as requests
    from requests
    where day in (select day from fresh_days)
    group by day
),

pieces as (
    select day, count(*) as files
    from segments
    where name = 'requests'
    group by day
)

select fresh.day
from fresh
inner join held on held.day = fresh.day
inner join pieces on pieces.day = fresh.day
where
    4 * fresh.requests <= held.requests and pieces.files < {{pieces}}
    and fresh.day not in (select day from touched_days)
    and fresh.day not in (select day from concerned)
