-- grain: one row per request record as read, with its key, its payload, its reporting day, and the place that it has if
-- nothing else is known of its call
-- One call may be traced by two spans: other formats than `requests` meet on the provider's response id.
select
    *,
    concat(source, '|', provider, '|', case when kind = 'requests' then record_key else request_id end) as request_key,
    cast(hash(canonical) as varchar) as payload,
    cast(time at time zone '{{zone}}' as date) as day,
    1 as own_rank,
    case
        when response_id is not null then concat('call|', provider, '|', response_id)
        when kind = 'requests' then concat(source, '|', provider, '|', record_key)
        else concat(source, '|', provider, '|', request_id)
    end as group_key,
    true as wins,
    '{{run}}' as run_id
from {{rows}}
