-- grain: one row per (provider, reporting day, UTC day, account): what the ledger holds, fixed costs that no request bears
-- included
with spend as (
    select provider, day, utc_day, account, usd, 0 as standing_usd
    from close_spend
    union all
    select provider, day, day as utc_day, '' as account, amount_usd as usd, amount_usd as standing_usd
    from standing_charges
)

select
    provider, day, utc_day, account, cast(coalesce(sum(usd), 0) as decimal(38, 12)) as usd,
    cast(sum(standing_usd) as decimal(38, 12)) as standing_usd
from spend
group by provider, day, utc_day, account
