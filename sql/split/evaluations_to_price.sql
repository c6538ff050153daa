-- grain: one row per evaluation that counts, shaped like a request so that the rate book can say what it cost
select
    concat_ws('|', workflow, task_type, item_id, provider, model) as request_key, provider, model, time,
    'ok' as status, 'standard' as service_tier, cast(null as varchar) as region,
    input_tokens as input_uncached, cast(0 as bigint) as cache_read, cast(0 as bigint) as cache_write,
    cast(0 as bigint) as cache_write_long, output_tokens as output_nonreasoning,
    cast(0 as bigint) as output_reasoning, map([]::varchar[], []::bigint[]) as extras, cost_usd as recorded_usd,
    false as recorded_is_estimate
from evaluations
where wins and (input_tokens + output_tokens > 0 or cost_usd is not null)
