-- grain: one row: the whole ledger
with standing as (
    select coalesce(sum(amount_usd), 0) as amount_usd from standing_charges
),

counted as (
    select
        count(*) as requests, coalesce(sum(cost_usd), 0) as cost_usd,
        count(*) filter (where cost_basis = 'unpriced') as unpriced_requests,
        coalesce(sum(case when reason is not null then cost_usd end), 0) as unattributed_usd,
        count(*) filter (where cost_basis = 'recorded') as recorded_requests,
        min(day) as first_day, max(day) as last_day
    from requests
)

select
    counted.requests, counted.cost_usd + standing.amount_usd as spend_usd, counted.unpriced_requests,
    counted.unattributed_usd + standing.amount_usd as unattributed_usd, counted.recorded_requests,
    standing.amount_usd as standing_usd, counted.first_day, counted.last_day
from counted
cross join standing
