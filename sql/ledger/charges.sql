-- grain: one row per (request, SKU) with a quantity, and per fixed cost that no request bears
-- Three prices and costs, in FOCUS's words: list; contracted = what the company has agreed on demand; effective = what
-- it comes to, which is the share of the fixed cost where provisioned capacity served the request, else the contracted
-- one. What counts as cost, `unit_price_usd` and `amount_usd`, is the effective one. The effective unit price of a share
-- is its quotient, for reading; amounts are exact. Amounts of an unpriced request are empty.
with skus as (
    {{skus}}
)

select
    skus.request_id, skus.day as charge_day, skus.provider, skus.model, skus.sku, skus.quantity,
    case when shares.request_key is null then skus.price else shares.unit_price_usd end as unit_price_usd,
    case when shares.request_key is null then skus.amount else shares.amount_usd end as amount_usd,
    case
        when shares.request_key is null then skus.rate_source else concat('contract: provisioned ', shares.name)
    end as rate_source,
    skus.source, skus.request_key, skus.unit_id,
    skus.list_price as list_unit_price_usd, skus.list_amount as list_amount_usd,
    skus.price as contracted_unit_price_usd, skus.amount as contracted_amount_usd,
    case when shares.request_key is null then skus.price else shares.unit_price_usd end as effective_unit_price_usd,
    case when shares.request_key is null then skus.amount else shares.amount_usd end as effective_amount_usd
from skus
left join capacity_shares as shares
    on shares.request_key = skus.request_key and shares.sku = skus.sku and shares.day = skus.day
where skus.basis <> 'recorded'
union all
select
    request_id, day as charge_day, provider, model, 'recorded' as sku, 1 as quantity,
    cast(cost_usd as decimal(28, 12)) as unit_price_usd, cost_usd as amount_usd, 'recorded' as rate_source, source,
    request_key, unit_id,
    -- the sender's figure is what was paid, as far as anybody knows; of the list it says nothing
    null as list_unit_price_usd, null as list_amount_usd,
    cast(cost_usd as decimal(28, 12)) as contracted_unit_price_usd, cost_usd as contracted_amount_usd,
    cast(cost_usd as decimal(28, 12)) as effective_unit_price_usd, cost_usd as effective_amount_usd
from {{requests}} as requests
where cost_basis = 'recorded' and {{days}}
union all
select
    null as request_id, day as charge_day, provider, model, sku, 1 as quantity,
    cast(amount_usd as decimal(28, 12)) as unit_price_usd, amount_usd,
    concat('contract: ', case sku when 'provisioned_idle' then 'provisioned ' else 'commitment ' end, name) as rate_source,
    null as source, cast(md5(concat('contract: ', name)) as uuid) as request_key,
    null as unit_id,
    null as list_unit_price_usd, null as list_amount_usd, null as contracted_unit_price_usd,
    null as contracted_amount_usd, cast(amount_usd as decimal(28, 12)) as effective_unit_price_usd,
    amount_usd as effective_amount_usd
from standing_charges
where {{standing_days}}
