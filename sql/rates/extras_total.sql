-- grain: one row per request with extras: what they cost, or which of them have no rate
select
    request_key,
    max(input_tokens) as input_tokens,
    cast(sum(amount_usd) as decimal(28, 12)) as amount_usd,
    cast(sum(coalesce(list_amount_usd, amount_usd)) as decimal(28, 12)) as list_amount_usd,
    string_agg(case when unit_price is null then sku end, ',' order by sku) as missing
from extras_found
group by request_key
