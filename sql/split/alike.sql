-- grain: one row per (day, workflow, task type, provider, region, tier, utc day, context band, window) of to_price
-- Tokens times a price is linear, so requests that any card prices alike are added up before they meet the cards. What
-- has fees of its own, priced per request, stays alone under its key, and so does what is so large that the digits of a
-- sum would run out. `time` and `prompt_tokens` are those of one of the requests.
with placed as (
    select
        *, {{day}} as of_day, cast(time as date) as utc_day,
        input_uncached + cache_read + cache_write + cache_write_long as prompt_tokens,
        case
            when
                cardinality(extras) > 0
                or input_uncached + cache_read + cache_write + cache_write_long + output_nonreasoning + output_reasoning
                > 1000000000
                then request_key
        end as own_key
    from to_price
),

banded as (
    select *, {{band}} as band, {{window}} as part_of_day
    from placed
)

select
    own_key as request_key, of_day as day, workflow, task_type, provider, cast(null as varchar) as model, region,
    service_tier, min(time) as time, min(prompt_tokens) as prompt_tokens, count(*) as requests,
    cast(sum(input_uncached) as bigint) as input_uncached, cast(sum(cache_read) as bigint) as cache_read,
    cast(sum(cache_write) as bigint) as cache_write, cast(sum(cache_write_long) as bigint) as cache_write_long,
    cast(sum(output_nonreasoning) as bigint) as output_nonreasoning,
    cast(sum(output_reasoning) as bigint) as output_reasoning,
    any_value(case when own_key is not null then extras end) as extras
from banded
group by own_key, of_day, workflow, task_type, provider, region, service_tier, utc_day, band, part_of_day
