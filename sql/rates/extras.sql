-- grain: one row per (request, sku beside the six token classes) with a quantity
-- with what its rate depends on: few requests have such skus, so that they are looked up without the others
with fees as (
    select distinct rate_cards.provider, rate_cards.model
    from rate_extras
    inner join rate_cards on rate_cards.card_id = rate_extras.card_id
    where rate_extras.sku = 'request'
),
others as (
    select
        to_price.request_key,
        to_price.provider,
        to_price.model,
        to_price.service_tier,
        coalesce(to_price.region, '') as region,
        to_price.time,
        to_price.input_uncached + to_price.cache_read + to_price.cache_write + to_price.cache_write_long as prompt_tokens,
        to_price.extras,
        case
            when fees.provider is null then 0
            when to_price.input_uncached + to_price.cache_read + to_price.output_nonreasoning + to_price.output_reasoning > 0 then 1
            else 0
        end as fee
    from to_price
    left join fees on fees.provider = to_price.provider and fees.model = to_price.model
    where cardinality(to_price.extras) > 0 or fees.provider is not null
),
keyed as (
    select *, unnest(map_keys(extras)) as sku
    from others
    where cardinality(extras) > 0
)
select request_key, provider, model, service_tier, region, time, prompt_tokens, sku, extras[sku] as quantity
from keyed
where extras[sku] > 0
union all
select request_key, provider, model, service_tier, region, time, prompt_tokens, 'request' as sku, fee as quantity
from others
where fee > 0
