-- grain: one row per request of a touched day that exactly one unit (or a day-grain workflow) bears whole
select request_key, day, workflow, unit_id, cost_usd
from requests
where reason is null and units is null and day in (select day from touched_days)
