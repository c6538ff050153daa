-- grain: one row per (day of the reporting zone, UTC day, provider, account, canonical model, service tier, cost basis,
-- token class or SKU) of the touched days: what bills are compared with
-- `usd` is the charge; a request on provisioned capacity has its shares under class `capacity`. Tokens of a request with
-- the sender's figure are in `recorded_tokens`, its cost under class `recorded`; those without a price are in
-- `unpriced_tokens`. Unit prices are those of the priced tokens.
with accounts as (
    select
        request_key,
        coalesce(
            min(case when dimension = 'account' then value end), min(case when dimension = 'project' then value end)
        ) as account
    from {{request_dimensions}} as request_dimensions
    where dimension in ('account', 'project') and day in (select day from close_touched)
    group by request_key
),

served as (
    select distinct request_key, day
    from capacity_shares
    where day in (select day from close_touched)
),

seen as (
    select requests.*, coalesce(accounts.account, '') as account, served.request_key is not null as served
    from {{requests}} as requests
    left join accounts on accounts.request_key = requests.request_key
    left join served on served.request_key = requests.request_key and served.day = requests.day
    where requests.day in (select day from close_touched)
),

grouped as (
    select
        seen.day, seen.utc_day, seen.provider, seen.account, seen.model_key as model, seen.service_tier as tier,
        case when seen.served then 'served' else seen.cost_basis end as basis, count(*) as requests,
        sum(seen.input_uncached) as input_tokens, sum(seen.cache_read) as cache_read_tokens,
        sum(seen.cache_write) as cache_write_tokens, sum(seen.cache_write_long) as cache_write_long_tokens,
        sum(seen.output_nonreasoning + seen.output_reasoning) as output_tokens,
        sum(prices.input_usd) as input_usd, sum(prices.cache_read_usd) as cache_read_usd,
        sum(prices.cache_write_usd) as cache_write_usd, sum(prices.cache_write_long_usd) as cache_write_long_usd,
        sum(coalesce(prices.output_usd, 0) + coalesce(prices.reasoning_usd, 0)) as output_usd,
        min(prices.input_price) as input_low, max(prices.input_price) as input_high,
        min(prices.cache_read_price) as cache_read_low, max(prices.cache_read_price) as cache_read_high,
        min(prices.cache_write_price) as cache_write_low, max(prices.cache_write_price) as cache_write_high,
        min(prices.cache_write_long_price) as cache_write_long_low,
        max(prices.cache_write_long_price) as cache_write_long_high,
        min(prices.output_price) as output_low, max(prices.output_price) as output_high,
        sum(case when seen.cost_basis = 'recorded' then seen.cost_usd end) as recorded_usd
    from seen
    left join {{prices}} as prices
        on prices.request_key = seen.request_key and prices.payload = seen.payload
        and seen.cost_basis = 'computed' and not seen.served and prices.{{near}}
    group by
        seen.day, seen.utc_day, seen.provider, seen.account, seen.model_key, seen.service_tier,
        case when seen.served then 'served' else seen.cost_basis end
),

classes as (
    select class
    from (values ('input'), ('cache_read'), ('cache_write'), ('cache_write_long'), ('output')) as named (class)
),

counted as (
    select
        grouped.*, classes.class,
        case classes.class
            when 'input' then grouped.input_tokens
            when 'cache_read' then grouped.cache_read_tokens
            when 'cache_write' then grouped.cache_write_tokens
            when 'cache_write_long' then grouped.cache_write_long_tokens
            else grouped.output_tokens
        end as tokens,
        case classes.class
            when 'input' then grouped.input_usd
            when 'cache_read' then grouped.cache_read_usd
            when 'cache_write' then grouped.cache_write_usd
            when 'cache_write_long' then grouped.cache_write_long_usd
            else grouped.output_usd
        end as usd,
        case classes.class
            when 'input' then grouped.input_low
            when 'cache_read' then grouped.cache_read_low
            when 'cache_write' then grouped.cache_write_low
            when 'cache_write_long' then grouped.cache_write_long_low
            else grouped.output_low
        end as low,
        case classes.class
            when 'input' then grouped.input_high
            when 'cache_read' then grouped.cache_read_high
            when 'cache_write' then grouped.cache_write_high
            when 'cache_write_long' then grouped.cache_write_long_high
            else grouped.output_high
        end as high
    from grouped
    cross join classes
)

select
    day, utc_day, provider, account, model, tier, basis, class,
    cast(case when basis = 'computed' then tokens else 0 end as bigint) as tokens,
    cast(case when basis = 'unpriced' then tokens else 0 end as bigint) as unpriced_tokens,
    cast(case when basis = 'recorded' then tokens else 0 end as bigint) as recorded_tokens,
    requests, cast(coalesce(usd, 0) as decimal(38, 12)) as usd, low, high
from counted
where tokens > 0 or usd <> 0
union all
select
    day, utc_day, provider, account, model, tier, basis, 'recorded' as class, 0 as tokens, 0 as unpriced_tokens,
    0 as recorded_tokens, requests, cast(recorded_usd as decimal(38, 12)) as usd, null as low, null as high
from grouped
where recorded_usd <> 0
union all
select
    seen.day, seen.utc_day, seen.provider, seen.account, seen.model_key as model, seen.service_tier as tier, 'extra' as basis,
    extras.sku as class, cast(sum(extras.quantity) as bigint) as tokens, 0 as unpriced_tokens, 0 as recorded_tokens,
    count(*) as requests, cast(coalesce(sum(extras.amount_usd), 0) as decimal(38, 12)) as usd,
    min(extras.unit_price_usd) as low, max(extras.unit_price_usd) as high
from seen
inner join price_extras as extras
    on extras.request_key = seen.request_key and extras.payload = seen.payload and extras.{{near}}
left join capacity_shares as shares
    on shares.request_key = seen.request_key and shares.sku = extras.sku and shares.day = seen.day
where seen.cost_basis = 'computed' and shares.request_key is null
group by seen.day, seen.utc_day, seen.provider, seen.account, seen.model_key, seen.service_tier, extras.sku
union all
select
    seen.day, seen.utc_day, seen.provider, seen.account, seen.model_key as model, seen.service_tier as tier,
    'served' as basis, 'capacity' as class, 0 as tokens, 0 as unpriced_tokens, 0 as recorded_tokens, count(*) as requests,
    cast(sum(shares.amount_usd) as decimal(38, 12)) as usd, null as low, null as high
from seen
inner join capacity_shares as shares on shares.request_key = seen.request_key and shares.day = seen.day
group by seen.day, seen.utc_day, seen.provider, seen.account, seen.model_key, seen.service_tier
