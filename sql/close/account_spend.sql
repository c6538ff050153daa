-- grain: one row per (month of the reporting zone, provider, account, workflow) with spend: what FOCUS corrections of a
-- closed month are told apart by
with spend as (
    select day, provider, nullif(account, '') as account, workflow, usd
    from close_spend
    where usd is not null
    union all
    select day, provider, null as account, null as workflow, amount_usd as usd
    from standing_charges
)

select
    substr(cast(day as varchar), 1, 7) as month, provider, account, workflow, cast(sum(usd) as decimal(38, 12)) as spend_usd
from spend
group by substr(cast(day as varchar), 1, 7), provider, account, workflow
order by month, provider, account nulls first, workflow nulls first
