-- grain: one row per (request, SKU) with a quantity: what the rate book gives on demand, by contract and by list
-- `covered`: counts tokens, so that provisioned capacity may serve it; fees per use are paid on demand.
-- A class that the contract doesn't touch costs what the list says; a list price that is unknown stays null.
-- Tokens above an excess-only band are SKUs of their own, and not in the class that they come from.
with above as (
    select
        request_key, payload,
        sum(case when sku = 'input_excess' then quantity else 0 end) as input_uncached,
        sum(case when sku = 'cache_read_excess' then quantity else 0 end) as cache_read,
        sum(case when sku = 'cache_write_excess' then quantity else 0 end) as cache_write,
        sum(case when sku = 'cache_write_long_excess' then quantity else 0 end) as cache_write_long
    from {{price_extras}}
    where sku in ('input_excess', 'cache_read_excess', 'cache_write_excess', 'cache_write_long_excess')
    group by request_key, payload
),

priced as (
    select
        requests.request_id, requests.unit_id, requests.day, requests.provider, requests.model, requests.source,
        requests.cost_basis as basis,
        cast(requests.input_uncached - coalesce(above.input_uncached, 0) as bigint) as input_uncached,
        cast(requests.cache_read - coalesce(above.cache_read, 0) as bigint) as cache_read,
        cast(requests.cache_write - coalesce(above.cache_write, 0) as bigint) as cache_write,
        cast(requests.cache_write_long - coalesce(above.cache_write_long, 0) as bigint) as cache_write_long,
        requests.output_nonreasoning, requests.output_reasoning, prices.* exclude (cost_usd)
    from {{requests}} as requests
    inner join {{prices}} as prices on prices.request_key = requests.request_key and prices.payload = requests.payload
    left join above on above.request_key = requests.request_key and above.payload = requests.payload
    where {{days}}
),

skus as (
    select
        priced.*, true as covered, 'input' as sku, input_uncached as quantity,
        input_price as price, input_usd as amount,
        case when listed is null then input_price else listed.input_price end as list_price,
        case when listed is null then input_usd else listed.input_usd end as list_amount
    from priced where input_uncached > 0
    union all
    select
        priced.*, true as covered, 'cache_read' as sku, cache_read as quantity,
        cache_read_price as price, cache_read_usd as amount,
        case when listed is null then cache_read_price else listed.cache_read_price end as list_price,
        case when listed is null then cache_read_usd else listed.cache_read_usd end as list_amount
    from priced where cache_read > 0
    union all
    select
        priced.*, true as covered, 'cache_write' as sku, cache_write as quantity,
        cache_write_price as price, cache_write_usd as amount,
        case when listed is null then cache_write_price else listed.cache_write_price end as list_price,
        case when listed is null then cache_write_usd else listed.cache_write_usd end as list_amount
    from priced where cache_write > 0
    union all
    select
        priced.*, true as covered, 'cache_write_long' as sku, cache_write_long as quantity,
        cache_write_long_price as price, cache_write_long_usd as amount,
        case when listed is null then cache_write_long_price else listed.cache_write_long_price end as list_price,
        case when listed is null then cache_write_long_usd else listed.cache_write_long_usd end as list_amount
    from priced where cache_write_long > 0
    union all
    select
        priced.*, true as covered, 'output' as sku, output_nonreasoning + case when reasoning_price is null then output_reasoning else 0 end as quantity,
        output_price as price, output_usd as amount,
        case when listed is null then output_price else listed.output_price end as list_price,
        case when listed is null then output_usd else listed.output_usd end as list_amount
    from priced where output_nonreasoning + case when reasoning_price is null then output_reasoning else 0 end > 0
    union all
    select
        priced.*, true as covered, 'reasoning' as sku, output_reasoning as quantity,
        reasoning_price as price, reasoning_usd as amount,
        case when listed is null then reasoning_price else listed.reasoning_price end as list_price,
        case when listed is null then reasoning_usd else listed.reasoning_usd end as list_amount
    from priced where output_reasoning > 0 and reasoning_price is not null
)

select
    request_id, request_key, unit_id, day, provider, model, source, basis, covered, missing, sku, quantity,
    case when cost_basis = 'computed' then price end as price,
    case when cost_basis = 'computed' then amount end as amount,
    case when cost_basis = 'computed' then list_price end as list_price,
    case when cost_basis = 'computed' then list_amount end as list_amount,
    case when cost_basis = 'computed' then rate_source end as rate_source
from skus
union all
select
    request_id, priced.request_key, unit_id, day, provider, model, source, basis,
    extras.sku in ({{token_skus}}) as covered, missing, extras.sku, extras.quantity, extras.unit_price_usd as price, extras.amount_usd as amount, extras.list_unit_price_usd as list_price,
    extras.list_amount_usd as list_amount, extras.rate_source
from priced
inner join {{price_extras}} as extras
    on extras.request_key = priced.request_key and extras.payload = priced.payload
