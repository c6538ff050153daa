-- grain: one row per (workflow, unit) of a declared workflow
select workflow, unit, unit_id, status, first_request, outcome_day, attempts, requests, spend_usd, value_usd
from unit_costs
where workflow in (select workflow from declared)
