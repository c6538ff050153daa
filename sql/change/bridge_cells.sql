-- grain: one row per (day, workflow, task type, model, token class) of the days of `bridge_days`: what was charged for
-- Quantities are tokens, or what else a rate counts (searches, seconds …); amounts are those that count as cost, a share
-- of provisioned capacity in place of the price on demand. A recorded cost has no classes: it is one price for all tokens
-- of its request, or for the call where no tokens are known. Requests without a price are no part of spend.
with skus as (
    {{skus}}
),

charged as (
    select
        requests.day, requests.workflow, requests.task_type, requests.model_key as model, skus.sku as token_class,
        skus.quantity, coalesce(shares.amount_usd, skus.amount, 0) as amount_usd
    from skus
    inner join requests on requests.request_key = skus.request_key and requests.day = skus.day
    left join capacity_shares as shares
        on shares.request_key = skus.request_key and shares.sku = skus.sku and shares.day = skus.day
    where requests.reason is null and requests.cost_usd is not null and requests.cost_basis <> 'recorded'
    union all
    select
        day, workflow, task_type, model_key as model,
        case when input_tokens + output_tokens > 0 then 'recorded' else 'recorded call' end as token_class,
        case when input_tokens + output_tokens > 0 then input_tokens + output_tokens else 1 end as quantity,
        cost_usd as amount_usd
    from requests
    where reason is null and cost_basis = 'recorded' and day in (select day from bridge_days)
)

select
    day, workflow, coalesce(task_type, '') as task_type, model, token_class,
    cast(sum(quantity) as decimal(38, 0)) as quantity, cast(sum(amount_usd) as decimal(38, 12)) as amount_usd
from charged
group by day, workflow, coalesce(task_type, ''), model, token_class
