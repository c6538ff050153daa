-- grain: one row per (day, provider, model) whose allocations and unattributed spend do not sum to its charges
-- Charges are summed from their parts: prices per SKU, shares of capacity, standing charges.
with parts as (
    select
        requests.day, requests.provider, requests.model, requests.cost_usd,
        case requests.cost_basis
            when 'recorded' then requests.cost_usd
            when 'computed' then
                case
                    when served.request_key is not null then served.amount_usd
                    else coalesce(prices.input_usd, 0) + coalesce(prices.cache_read_usd, 0)
                        + coalesce(prices.cache_write_usd, 0) + coalesce(prices.cache_write_long_usd, 0)
                        + coalesce(prices.output_usd, 0) + coalesce(prices.reasoning_usd, 0)
                end
                + coalesce(extras.amount_usd, 0)
        end as charged_usd,
        case when requests.reason is not null then requests.cost_usd end as unattributed_usd
    from {{requests}} as requests
    inner join {{prices}} as prices
        on prices.request_key = requests.request_key and prices.payload = requests.payload
        and prices.called_on = requests.utc_day
    left join (
        select request_key, sum(amount_usd) as amount_usd
        from capacity_shares
        where day in (select day from {{days}})
        group by request_key
    ) as served on served.request_key = requests.request_key
    left join (
        select price_extras.request_key, price_extras.payload, sum(price_extras.amount_usd) as amount_usd
        from price_extras
        left join capacity_shares
            on capacity_shares.request_key = price_extras.request_key and capacity_shares.sku = price_extras.sku
        where capacity_shares.request_key is null
        group by price_extras.request_key, price_extras.payload
    ) as extras on extras.request_key = requests.request_key and extras.payload = requests.payload
    where requests.day in (select day from {{days}})
),

spend as (
    select
        day, provider, model, coalesce(sum(charged_usd), 0) as charged,
        coalesce(sum(unattributed_usd), 0) as unattributed
    from (
        select day, provider, model, charged_usd, unattributed_usd from parts
        union all
        select day, provider, model, amount_usd as charged_usd, amount_usd as unattributed_usd
        from standing_charges
        where day in (select day from {{days}})
    ) as every
    group by day, provider, model
),

borne as (
    select requests.day, requests.provider, requests.model, coalesce(sum(allocations.cost_usd), 0) as allocated
    from allocations
    inner join {{requests}} as requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    where requests.day in (select day from {{days}}) and allocations.day in (select day from {{days}})
    group by requests.day, requests.provider, requests.model
)

select spend.day, spend.provider, spend.model, charged, unattributed, coalesce(borne.allocated, 0) as allocated
from spend
left join borne on borne.day = spend.day and borne.provider = spend.provider and borne.model = spend.model
where charged <> unattributed + coalesce(borne.allocated, 0)
