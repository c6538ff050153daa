-- grain: one row per hash of a provider's response id that a record of this run shares with a record of another key
with fresh as (
    select distinct hash(concat(provider, '|', response_id)) as call_hash
    from records
    where run_id = '{{run}}' and response_id is not null
)

select hash(concat(provider, '|', response_id)) as call_hash
from records
where response_id is not null and ({{all_fresh}} or hash(concat(provider, '|', response_id)) in (select call_hash from fresh))
group by hash(concat(provider, '|', response_id))
having min(hash(request_key)) <> max(hash(request_key))
