-- grain: one row per hash of a request key under which a record of this run is not the only one
with fresh as (
    select hash(request_key) as key_hash, count(*) as records
    from records
    where run_id = '{{run}}'
    group by hash(request_key)
)

select key_hash from fresh where records > 1
union
select hash(request_key) as key_hash
from records
where run_id <> '{{run}}' and hash(request_key) in (select key_hash from fresh)
