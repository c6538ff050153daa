-- grain: one row: the whole ledger
-- A sum of which nothing is priced is empty, one over no request 0.
with standing as (
    select coalesce(sum(amount_usd), 0) as amount_usd, count(*) as priced from standing_charges
),

counted as (
    select
        cast(coalesce(sum(requests), 0) as bigint) as requests, coalesce(sum(spend_usd), 0) as cost_usd,
        cast(coalesce(sum(case when cost_basis = 'unpriced' then requests end), 0) as bigint) as unpriced_requests,
        coalesce(sum(case when reason is not null then spend_usd end), 0) as unattributed_usd,
        coalesce(sum(priced_requests), 0) as priced,
        coalesce(sum(case when reason is not null then requests end), 0) as unattributed_requests,
        coalesce(sum(case when reason is not null then priced_requests end), 0) as unattributed_priced,
        cast(coalesce(sum(case when cost_basis = 'recorded' then requests end), 0) as bigint) as recorded_requests,
        min(day) as first_day, max(day) as last_day
    from request_cells
)

select
    counted.requests,
    case
        when counted.requests = 0 or counted.priced + standing.priced > 0 then counted.cost_usd + standing.amount_usd
    end as spend_usd,
    counted.unpriced_requests,
    case
        when counted.unattributed_requests = 0 or counted.unattributed_priced + standing.priced > 0
            then counted.unattributed_usd + standing.amount_usd
    end as unattributed_usd,
    counted.recorded_requests,
    standing.amount_usd as standing_usd, counted.first_day, counted.last_day
from counted
cross join standing
