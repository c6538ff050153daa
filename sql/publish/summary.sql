-- grain: one row: the whole ledger
select
    count(*) as requests,
    coalesce(sum(cost_usd), 0) as spend_usd,
    count(*) filter (where cost_basis = 'unpriced') as unpriced_requests,
    coalesce(sum(case when reason is not null then cost_usd end), 0) as unattributed_usd,
    count(*) filter (where cost_basis = 'recorded') as recorded_requests,
    min(day) as first_day, max(day) as last_day
from requests
