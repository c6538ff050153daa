-- grain: one row per request that counts, shaped for pricing
select
    records.request_key, records.provider, records.model, records.time, records.status, records.service_tier,
    records.region, records.input_uncached, records.cache_read, records.cache_write, records.cache_write_long,
    records.output_nonreasoning, records.output_reasoning, records.extras, records.recorded_usd,
    records.recorded_is_estimate
from records
inner join requests on requests.request_key = records.request_key and requests.payload = records.payload
where records.wins
