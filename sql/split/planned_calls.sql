-- grain: one row per planned call, shaped like a request so that the rate book can say what it would cost
select
    request_key, provider, model, cast(time as timestamptz) as time, 'ok' as status, 'standard' as service_tier,
    cast(null as varchar) as region, cast(input_uncached as bigint) as input_uncached,
    cast(cache_read as bigint) as cache_read, cast(0 as bigint) as cache_write, cast(0 as bigint) as cache_write_long,
    cast(output_nonreasoning as bigint) as output_nonreasoning, cast(0 as bigint) as output_reasoning,
    map([]::varchar[], []::bigint[]) as extras, cast(null as decimal(28, 12)) as recorded_usd,
    false as recorded_is_estimate
from planned_calls
