-- grain: one row: the whole ledger
with standing as (
    select coalesce(sum(amount_usd), 0) as amount_usd from standing_charges
)

select
    count(*) as requests,
    coalesce(sum(cost_usd), 0) + any_value(standing.amount_usd) as spend_usd,
    count(*) filter (where cost_basis = 'unpriced') as unpriced_requests,
    coalesce(sum(case when reason is not null then cost_usd end), 0) + any_value(standing.amount_usd) as unattributed_usd,
    count(*) filter (where cost_basis = 'recorded') as recorded_requests,
    any_value(standing.amount_usd) as standing_usd,
    min(day) as first_day, max(day) as last_day
from requests
cross join standing
