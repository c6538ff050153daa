-- grain: one row per (request, sku beside the six token classes) with a quantity
with keyed as (
    select
        request_key,
        extras,
        unnest(map_keys(extras)) as sku
    from to_price
    where cardinality(extras) > 0
),
named as (
    select
        request_key,
        sku,
        extras[sku] as quantity
    from keyed
),
fees as (
    select distinct rate_cards.provider, rate_cards.model
    from rate_extras
    inner join rate_cards on rate_cards.card_id = rate_extras.card_id
    where rate_extras.sku = 'request'
)
select request_key, sku, quantity
from named
where quantity > 0
union all
select to_price.request_key, 'request' as sku, 1 as quantity
from to_price
inner join fees on fees.provider = to_price.provider and fees.model = to_price.model
where to_price.input_uncached + to_price.cache_read + to_price.output_nonreasoning + to_price.output_reasoning > 0
