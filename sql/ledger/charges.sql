-- grain: one row per (request, SKU) with a quantity; the amounts of an unpriced request are empty
with priced as (
    select
        requests.request_id, requests.request_key, requests.day, requests.provider, requests.model, requests.source,
        requests.input_uncached, requests.cache_read, requests.cache_write, requests.cache_write_long,
        requests.output_nonreasoning, requests.output_reasoning, prices.* exclude (request_key)
    from requests
    inner join prices on prices.request_key = requests.request_key and prices.payload = requests.payload
    where {{days}}
),

skus as (
    select priced.*, 'input' as sku, input_uncached as quantity, input_price as price, input_usd as amount
    from priced where input_uncached > 0
    union all
    select priced.*, 'cache_read' as sku, cache_read as quantity, cache_read_price as price, cache_read_usd as amount
    from priced where cache_read > 0
    union all
    select
        priced.*, 'cache_write' as sku, cache_write as quantity, cache_write_price as price, cache_write_usd as amount
    from priced where cache_write > 0
    union all
    select
        priced.*, 'cache_write_long' as sku, cache_write_long as quantity, cache_write_long_price as price,
        cache_write_long_usd as amount
    from priced where cache_write_long > 0
    union all
    select
        priced.*, 'output' as sku,
        output_nonreasoning + case when reasoning_price is null then output_reasoning else 0 end as quantity,
        output_price as price, output_usd as amount
    from priced
    where output_nonreasoning + case when reasoning_price is null then output_reasoning else 0 end > 0
    union all
    select priced.*, 'reasoning' as sku, output_reasoning as quantity, reasoning_price as price, reasoning_usd as amount
    from priced where output_reasoning > 0 and reasoning_price is not null
)

select
    request_id, day as charge_day, provider, model, sku, quantity,
    case when cost_basis = 'computed' then price end as unit_price_usd,
    case when cost_basis = 'computed' then amount end as amount_usd,
    case when cost_basis = 'computed' then rate_source end as rate_source,
    source, request_key
from skus
where cost_basis <> 'recorded'
union all
select
    request_id, day as charge_day, provider, model, 'recorded' as sku, 1 as quantity,
    cast(cost_usd as decimal(28, 12)) as unit_price_usd, cost_usd as amount_usd, 'recorded' as rate_source, source,
    request_key
from priced
where cost_basis = 'recorded'
union all
select
    priced.request_id, priced.day as charge_day, priced.provider, priced.model, price_extras.sku,
    price_extras.quantity, price_extras.unit_price_usd, price_extras.amount_usd, price_extras.rate_source,
    priced.source, priced.request_key
from priced
inner join price_extras
    on price_extras.request_key = priced.request_key and price_extras.payload = priced.payload
where priced.cost_basis <> 'recorded'
