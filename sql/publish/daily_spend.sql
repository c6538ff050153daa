-- grain: one row per (day, provider, model): all requests and their spend, attributed or not, and fixed costs that no
-- request bears
-- A sum of which nothing is priced is empty, one over nothing 0. `unattributed_priced`: requests and fixed costs with a
-- price that no unit bears.
with spend as (
    select
        day, provider, model, sum(requests) as requests, sum(requests - priced_requests) as unpriced_requests,
        sum(spend_usd) as spend_usd, sum(case when reason is not null then spend_usd end) as unattributed_usd,
        sum(case when reason is not null then requests else 0 end) as unattributed_requests,
        sum(case when reason is not null then priced_requests else 0 end) as unattributed_priced
    from request_cells
    group by day, provider, model
    union all
    select
        day, provider, model, 0 as requests, 0 as unpriced_requests, sum(amount_usd) as spend_usd,
        sum(amount_usd) as unattributed_usd, 0 as unattributed_requests, count(*) as unattributed_priced
    from standing_charges
    group by day, provider, model
)

select
    day, provider, model, cast(sum(requests) as bigint) as requests,
    cast(sum(unpriced_requests) as bigint) as unpriced_requests, sum(spend_usd) as spend_usd,
    case
        when sum(unattributed_requests) = 0 or sum(unattributed_priced) > 0 then coalesce(sum(unattributed_usd), 0)
    end as unattributed_usd,
    cast(sum(unattributed_requests) as bigint) as unattributed_requests,
    cast(sum(unattributed_priced) as bigint) as unattributed_priced
from spend
group by day, provider, model
order by day, provider, model
