-- grain: one row per (request, payload) whose place is decided in this run
select
    records.request_key, payload, source, kind, provider, response_id, status, time, updated_at, canonical,
    known_classes,
    input_uncached + cache_read + cache_write + cache_write_long + {{input_extras}} as input_tokens,
    output_nonreasoning + output_reasoning + {{output_extras}} as output_tokens
from records
inner join affected_keys on affected_keys.request_key = records.request_key
