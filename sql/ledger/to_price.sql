-- grain: one row per request of `counted` that has no price yet, or whose price was missing in an older rate book
select
    records.request_key, records.payload, records.provider, records.model, records.time, records.status,
    records.service_tier, records.region, records.input_uncached, records.cache_read, records.cache_write,
    records.cache_write_long, records.output_nonreasoning, records.output_reasoning, records.extras,
    records.recorded_usd, records.recorded_is_estimate, prices.request_key is not null as lacked_a_price
from records
left join (
    -- the prices of other days would only be read
    select request_key, payload, missing from prices where {{near}}
) as prices on prices.request_key = records.request_key and prices.payload = records.payload
where
    {{counted}}
    and (prices.request_key is null or prices.missing is not null)
