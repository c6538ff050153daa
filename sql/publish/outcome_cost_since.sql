-- grain: one row per (workflow, unit) of a declared workflow that changed since a generation; a tombstone: it is no more
select
    workflow, unit, unit_id, status, first_request, outcome_day, attempts, requests, spend_usd, value_usd,
    coalesce(generation, 0) as generation, false as tombstone
from unit_costs
where workflow in (select workflow from declared) and {{changed}}
union all
select workflow, null, unit_id, null, null, null, null, null, null, null, generation, true
from unit_tombstones
where {{changed}}
order by workflow, unit_id
