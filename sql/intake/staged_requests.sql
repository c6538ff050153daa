-- grain: one row per request record as read in this run, with its key, its payload and its reporting day
select
    incoming_requests.*,
    concat(source, '|', provider, '|', record_key) as request_key,
    md5(canonical) as payload,
    cast(time at time zone '{{zone}}' as date) as day,
    row_number() over (
        partition by source, provider, record_key, canonical order by file, line
    ) as repetition
from incoming_requests
