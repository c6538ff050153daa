-- grain: one row per request record as read in this run, with its key, its payload and its reporting day
select
    incoming_requests.*,
    -- one call may be traced by two spans: other formats than `requests` meet on the provider's response id
    concat(source, '|', provider, '|', case when kind = 'requests' then record_key else request_id end) as request_key,
    md5(canonical) as payload,
    cast(time at time zone '{{zone}}' as date) as day,
    row_number() over (
        partition by source, provider, case when kind = 'requests' then record_key else request_id end, canonical
        order by file, line
    ) as repetition
from incoming_requests
