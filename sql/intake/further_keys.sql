-- grain: one row per request key, not yet affected, that shares a call with an affected one
select distinct records.request_key
from records
inner join (
    select distinct records.provider, records.response_id
    from records
    inner join affected_keys on affected_keys.request_key = records.request_key
    where records.response_id is not null
) as shared on shared.provider = records.provider and shared.response_id = records.response_id
where records.request_key not in (select request_key from affected_keys)
