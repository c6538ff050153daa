-- grain: one row per request record as read, with its key, its payload, its reporting day, and the place that it has if
-- nothing else is known of its call
-- Keys are hashes of 128 bits: as texts they would fill most of the ledger, and of the memory that joins take.
-- One call may be traced by two spans: other formats than `requests` meet on the provider's response id.
select
    *,
    cast(
        md5_number(concat(source, '|', provider, '|', case when kind = 'requests' then record_key else request_id end)) as uuid
    ) as request_key,
    cast(hash(canonical) % 9223372036854775807 as bigint) as payload,
    cast(time at time zone '{{zone}}' as date) as day,
    1 as own_rank,
    cast(
        md5_number(
            case
                when response_id is not null then concat('call|', provider, '|', response_id)
                when kind = 'requests' then concat(source, '|', provider, '|', record_key)
                else concat(source, '|', provider, '|', request_id)
            end
        ) as uuid
    ) as group_key,
    true as wins,
    '{{run}}' as run_id
from {{rows}}
