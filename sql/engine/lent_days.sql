-- grain: one row per reporting day with the winner of a call of several records of which this run read one
with lent as (
    select places.group_key
    from records
    inner join places on places.request_key = records.request_key and places.payload = records.payload
    where records.run_id = '{{run}}'
),

several as (
    select group_key
    from places
    group by group_key
    having count(*) > 1
)

select distinct records.day
from records
inner join places on places.request_key = records.request_key and places.payload = records.payload
where
    places.wins and places.group_key in (select group_key from lent)
    and places.group_key in (select group_key from several)
