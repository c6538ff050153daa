-- grain: one row per request with extras: what they cost, or which of them have no rate
with lacking as (
    select request_key, string_agg(sku, ',' order by sku) as missing
    from extras_found
    where unit_price is null
    group by request_key
)
select
    extras_found.request_key,
    max(extras_found.input_tokens) as input_tokens,
    cast(sum(extras_found.amount_usd) as decimal(28, 12)) as amount_usd,
    case
        when count(extras_found.list_amount_usd) = count(*)
            then cast(sum(extras_found.list_amount_usd) as decimal(28, 12))
    end as list_amount_usd,
    max(lacking.missing) as missing
from extras_found
left join lacking on lacking.request_key = extras_found.request_key
group by extras_found.request_key
