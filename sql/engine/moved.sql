-- grain: one row per reporting day with a record of this run, or one whose place is another than before
-- `fresh`: a call of this run counts; `touched`: a call that counts came, went or changed with others; `thinned`: a
-- stored record changed, so that its row is written anew.
with changed as (
    select
        records.day, records.run_id = '{{run}}' as fresh, records.wins as won, places.wins,
        records.wins is distinct from places.wins or records.group_key is distinct from places.group_key
        or records.own_rank is distinct from places.own_rank as differs
    from records
    inner join places on places.request_key = records.request_key and places.payload = records.payload
)

select
    day, max(case when fresh and wins then 1 else 0 end) as fresh,
    max(case when differs and (wins or (won and not fresh)) then 1 else 0 end) as touched,
    max(case when differs and not fresh then 1 else 0 end) as thinned
from changed
where fresh or differs
group by day
