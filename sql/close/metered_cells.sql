-- grain: one row per (provider, UTC day, account, canonical model, service tier, token class or SKU) of
-- requests whose provider has a bill: what the ledger holds of it
-- `usd` is the charge; a request on provisioned capacity has its shares under class `capacity`. Tokens of a request with
-- the sender's figure are in `recorded_tokens`, its cost under class `recorded`; those without a price are in
-- `unpriced_tokens`. Unit prices are those of the priced tokens.
with accounts as (
    select request_key, min(value) as account
    from request_dimensions
    where dimension = $account_dimension
    group by request_key
),

seen as (
    select
        requests.request_key, requests.payload, requests.provider, requests.utc_day,
        coalesce(accounts.account, '') as account, requests.model_key as model, requests.service_tier,
        requests.cost_basis, requests.cost_usd, shares.request_key is not null as served,
        requests.input_uncached, requests.cache_read, requests.cache_write, requests.cache_write_long,
        requests.output_nonreasoning + requests.output_reasoning as output_tokens
    from requests
    left join accounts on accounts.request_key = requests.request_key
    left join (select distinct request_key, day from capacity_shares) as shares
        on shares.request_key = requests.request_key and shares.day = requests.day
    where requests.provider in (select provider from billed_amounts where wins)
),

priced as (
    select
        seen.*, prices.input_price, prices.cache_read_price, prices.cache_write_price, prices.cache_write_long_price,
        prices.output_price, prices.input_usd, prices.cache_read_usd, prices.cache_write_usd,
        prices.cache_write_long_usd, coalesce(prices.output_usd, 0) + coalesce(prices.reasoning_usd, 0) as output_usd
    from seen
    left join prices
        on prices.request_key = seen.request_key and prices.payload = seen.payload
        and seen.cost_basis = 'computed' and not seen.served
),

grouped as (
    select
        provider, utc_day, account, model, service_tier,
        case when served then 'served' else cost_basis end as basis, count(*) as requests,
        sum(input_uncached) as input_uncached, sum(cache_read) as cache_read, sum(cache_write) as cache_write,
        sum(cache_write_long) as cache_write_long, sum(output_tokens) as output_tokens,
        sum(input_usd) as input_usd, sum(cache_read_usd) as cache_read_usd, sum(cache_write_usd) as cache_write_usd,
        sum(cache_write_long_usd) as cache_write_long_usd, sum(output_usd) as output_usd,
        sum(cost_usd) filter (where cost_basis = 'recorded') as recorded_usd,
        min(input_price) as input_low, max(input_price) as input_high,
        min(cache_read_price) as cache_read_low, max(cache_read_price) as cache_read_high,
        min(cache_write_price) as cache_write_low, max(cache_write_price) as cache_write_high,
        min(cache_write_long_price) as cache_write_long_low, max(cache_write_long_price) as cache_write_long_high,
        min(output_price) as output_low, max(output_price) as output_high
    from priced
    group by
        provider, utc_day, account, model, service_tier, case when served then 'served' else cost_basis end
),

classes as (
    select grouped.*, 'input' as class, input_uncached as tokens, input_usd as usd, input_low as low, input_high as high
    from grouped
    union all
    select grouped.*, 'cache_read' as class, cache_read as tokens, cache_read_usd as usd, cache_read_low as low, cache_read_high as high
    from grouped
    union all
    select grouped.*, 'cache_write' as class, cache_write as tokens, cache_write_usd as usd, cache_write_low as low, cache_write_high as high
    from grouped
    union all
    select grouped.*, 'cache_write_long' as class, cache_write_long as tokens, cache_write_long_usd as usd, cache_write_long_low as low, cache_write_long_high as high
    from grouped
    union all
    select grouped.*, 'output' as class, output_tokens as tokens, output_usd as usd, output_low as low, output_high as high
    from grouped
)

select
    provider, utc_day, account, model, service_tier as tier, class,
    cast(case when basis = 'computed' then tokens else 0 end as bigint) as tokens,
    cast(case when basis = 'unpriced' then tokens else 0 end as bigint) as unpriced_tokens,
    cast(case when basis = 'recorded' then tokens else 0 end as bigint) as recorded_tokens,
    requests, cast(coalesce(usd, 0) as decimal(38, 12)) as usd, low, high
from classes
where tokens > 0 or usd <> 0
union all
select
    provider, utc_day, account, model, service_tier as tier, 'recorded' as class, 0 as tokens, 0 as unpriced_tokens,
    0 as recorded_tokens, requests, cast(recorded_usd as decimal(38, 12)) as usd, null as low, null as high
from grouped
where recorded_usd <> 0
union all
select
    seen.provider, seen.utc_day, seen.account, seen.model, seen.service_tier as tier, extras.sku as class,
    cast(sum(extras.quantity) as bigint) as tokens, 0 as unpriced_tokens, 0 as recorded_tokens, count(*) as requests,
    cast(coalesce(sum(extras.amount_usd), 0) as decimal(38, 12)) as usd, min(extras.unit_price_usd) as low,
    max(extras.unit_price_usd) as high
from seen
inner join price_extras as extras
    on extras.request_key = seen.request_key and extras.payload = seen.payload
left join capacity_shares as shares
    on shares.request_key = seen.request_key and shares.sku = extras.sku
where seen.cost_basis = 'computed' and shares.request_key is null
group by seen.provider, seen.utc_day, seen.account, seen.model, seen.service_tier, extras.sku
union all
select
    seen.provider, seen.utc_day, seen.account, seen.model, seen.service_tier as tier, 'capacity' as class,
    0 as tokens, 0 as unpriced_tokens, 0 as recorded_tokens, count(*) as requests,
    cast(sum(shares.amount_usd) as decimal(38, 12)) as usd, null as low, null as high
from seen
inner join capacity_shares as shares on shares.request_key = seen.request_key
group by seen.provider, seen.utc_day, seen.account, seen.model, seen.service_tier
