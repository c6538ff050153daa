-- grain: one row per request of one reporting day
select
    request_id, source, time, provider, model, service_tier, status, workflow, task_type, unit_id, input_tokens,
    cache_read as cache_read_tokens, cache_write as cache_write_tokens, cache_write_long as cache_write_long_tokens,
    output_tokens, output_reasoning as reasoning_tokens, cost_usd, cost_basis, recorded_usd, tier, request_key, day,
    attempt_id, stratum, latency_ms, reason,
    [u.unit_id for u in units] as units
from requests
where day = $day
order by source, provider, request_id, request_key
