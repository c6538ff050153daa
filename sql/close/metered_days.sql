-- grain: one row per (provider, reporting day, UTC day, account): what the ledger holds, fixed costs that no request bears
-- included
with accounts as (
    select request_key, min(value) as account
    from request_dimensions
    where dimension = $account_dimension
    group by request_key
),

spend as (
    select
        requests.provider, requests.day, requests.utc_day, coalesce(accounts.account, '') as account,
        sum(requests.cost_usd) as usd, 0 as standing_usd
    from requests
    left join accounts on accounts.request_key = requests.request_key
    group by requests.provider, requests.day, requests.utc_day, coalesce(accounts.account, '')
    union all
    select provider, day, day as utc_day, '' as account, sum(amount_usd) as usd, sum(amount_usd) as standing_usd
    from standing_charges
    group by provider, day
)

select
    provider, day, utc_day, account, cast(coalesce(sum(usd), 0) as decimal(38, 12)) as usd,
    cast(sum(standing_usd) as decimal(38, 12)) as standing_usd
from spend
group by provider, day, utc_day, account
