-- grain: one row per (request, SKU) that capacity served, from whole 10^-15 and 10^-12 dollars
select
    request_key, day, sku,
    cast(cast(femto as decimal(22, 0)) * cast(0.000000000000001 as decimal(15, 15)) as decimal(22, 15)) as unit_price_usd,
    cast(pico * cast(0.000000000001 as decimal(12, 12)) as decimal(28, 12)) as amount_usd,
    name
from incoming_shares
