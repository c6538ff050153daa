-- grain: one row per request key whose winner may change: new payloads, and calls that share a response id with them
select request_key from fresh_requests
union
select records.request_key
from records
inner join (
    select distinct provider, response_id from fresh_requests where response_id is not null
    union
    select distinct records.provider, records.response_id
    from records
    inner join fresh_requests on fresh_requests.request_key = records.request_key
    where records.response_id is not null
) as shared on shared.provider = records.provider and shared.response_id = records.response_id
