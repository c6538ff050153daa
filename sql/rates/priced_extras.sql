-- grain: one row per (computed request, extra sku)
select
    extras_found.request_key,
    extras_found.sku,
    extras_found.quantity,
    cast(round_even(extras_found.unit_price, 15) as decimal(22, 15)) as unit_price_usd,
    extras_found.amount_usd,
    cast(round_even(extras_found.list_unit_price, 15) as decimal(22, 15)) as list_unit_price_usd,
    extras_found.list_amount_usd,
    extras_found.rate_source
from extras_found
inner join priced on priced.request_key = extras_found.request_key
where priced.cost_basis = 'computed'
