-- grain: one row per request that a lean reader has found in a batch of lines
select
    {{source}} as source, {{kind}} as kind, {{file}} as file, line,
    record_key, request_id, response_id, time, provider, model, status,
    input_uncached, cache_read, cache_write, cache_write_long, output_nonreasoning, output_reasoning,
    coalesce(extras, cast(map() as map(varchar, bigint))) as extras,
    known_classes, service_tier, region, latency_ms, recorded_usd,
    {{estimate}} as recorded_is_estimate,
    cast([] as struct(unit_id varchar, weight varchar)[]) as units,
    tags,
    coalesce(resource_tags, cast(map() as map(varchar, varchar))) as resource_tags,
    trace_id, span_id, parent_span_id,
    cast(null as timestamptz) as updated_at,
    coalesce(flags, cast([] as varchar[])) as flags,
    canonical
from {{rows}}
