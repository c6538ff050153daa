-- grain: one row per hash of a response id that a record of this run shares with a record of another key
-- A hash only narrows the records down: whether they tell of one call, provider and id decide.
with fresh as (
    select distinct hash(response_id) as call_hash
    from records
    where run_id = '{{run}}' and response_id is not null
)

select hash(response_id) as call_hash
from records
where response_id is not null and ({{all_fresh}} or hash(response_id) in (select call_hash from fresh))
group by hash(response_id)
having min(hash(request_key)) <> max(hash(request_key))
