-- grain: one row per (day, provider, model): all requests and their spend, attributed or not, and fixed costs that no
-- request bears
with spend as (
    select
        day, provider, model, sum(requests) as requests, sum(requests - priced_requests) as unpriced_requests,
        sum(spend_usd) as spend_usd,
        coalesce(sum(case when reason is not null then spend_usd end), 0) as unattributed_usd
    from request_cells
    group by day, provider, model
    union all
    select
        day, provider, model, 0 as requests, 0 as unpriced_requests, sum(amount_usd) as spend_usd,
        sum(amount_usd) as unattributed_usd
    from standing_charges
    group by day, provider, model
)

select
    day, provider, model, cast(sum(requests) as bigint) as requests,
    cast(sum(unpriced_requests) as bigint) as unpriced_requests, sum(spend_usd) as spend_usd,
    sum(unattributed_usd) as unattributed_usd
from spend
group by day, provider, model
order by day, provider, model
