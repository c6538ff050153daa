-- grain: one row per (day, workflow, task type, model, token class) of the days of `bridge_days`: what was charged for
-- Quantities are tokens, or what else a rate counts (searches, seconds …); amounts are those that count as cost, a share
-- of provisioned capacity in place of the price on demand. A recorded cost has no classes: it is one price for all tokens
-- of its request, or for the call where no tokens are known. Requests without a price are no part of spend.
with skus as (
    {{skus}}
),

-- most requests have nothing but tokens on demand: they are added up before their classes become rows
plain as (
    select
        requests.day, requests.workflow, requests.task_type, requests.model_key as model,
        sum(requests.input_uncached) as input_tokens, sum(requests.cache_read) as cache_read_tokens,
        sum(requests.cache_write) as cache_write_tokens, sum(requests.cache_write_long) as cache_write_long_tokens,
        sum(
            requests.output_nonreasoning + case when prices.reasoning_price is null then requests.output_reasoning else 0 end
        ) as output_tokens,
        sum(case when prices.reasoning_price is null then 0 else requests.output_reasoning end) as reasoning_tokens,
        sum(prices.input_usd) as input_usd, sum(prices.cache_read_usd) as cache_read_usd,
        sum(prices.cache_write_usd) as cache_write_usd, sum(prices.cache_write_long_usd) as cache_write_long_usd,
        sum(prices.output_usd) as output_usd, sum(prices.reasoning_usd) as reasoning_usd
    from {{requests}} as requests
    inner join (select * from {{prices}} where {{near}}) as prices
        on prices.request_key = requests.request_key and prices.payload = requests.payload
    where
        requests.day in (select day from bridge_days) and requests.reason is null and requests.cost_basis = 'computed'
        and requests.request_key not in (select request_key from bridge_apart)
    group by requests.day, requests.workflow, requests.task_type, requests.model_key
),

charged as (
    select day, workflow, task_type, model, 'input' as token_class, input_tokens as quantity, input_usd as amount_usd
    from plain where input_tokens > 0
    union all
    select day, workflow, task_type, model, 'cache_read' as token_class, cache_read_tokens, cache_read_usd
    from plain where cache_read_tokens > 0
    union all
    select day, workflow, task_type, model, 'cache_write' as token_class, cache_write_tokens, cache_write_usd
    from plain where cache_write_tokens > 0
    union all
    select day, workflow, task_type, model, 'cache_write_long' as token_class, cache_write_long_tokens, cache_write_long_usd
    from plain where cache_write_long_tokens > 0
    union all
    select day, workflow, task_type, model, 'output' as token_class, output_tokens, output_usd
    from plain where output_tokens > 0
    union all
    select day, workflow, task_type, model, 'reasoning' as token_class, reasoning_tokens, reasoning_usd
    from plain where reasoning_tokens > 0
    union all
    select
        requests.day, requests.workflow, requests.task_type, requests.model_key as model, skus.sku as token_class,
        skus.quantity, coalesce(shares.amount_usd, skus.amount, 0) as amount_usd
    from skus
    inner join {{requests}} as requests on requests.request_key = skus.request_key and requests.day = skus.day
    left join capacity_shares as shares
        on shares.request_key = skus.request_key and shares.sku = skus.sku and shares.day = skus.day
    where requests.reason is null and requests.cost_usd is not null and requests.cost_basis <> 'recorded'
    union all
    select
        day, workflow, task_type, model_key as model,
        case when input_tokens + output_tokens > 0 then 'recorded' else 'recorded call' end as token_class,
        case when input_tokens + output_tokens > 0 then input_tokens + output_tokens else 1 end as quantity,
        cost_usd as amount_usd
    from {{requests}} as requests
    where reason is null and cost_basis = 'recorded' and day in (select day from bridge_days)
)

select
    day, workflow, coalesce(task_type, '') as task_type, model, token_class,
    cast(sum(quantity) as decimal(38, 0)) as quantity, cast(sum(amount_usd) as decimal(38, 12)) as amount_usd
from charged
group by day, workflow, coalesce(task_type, ''), model, token_class
