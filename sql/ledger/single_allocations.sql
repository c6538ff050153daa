-- grain: one row per request of a touched day that exactly one unit (or a day-grain workflow) bears whole
select
    requests.request_key, requests.day, requests.workflow,
    -- spend and counts of such a workflow meet per day: what unit ids its logs hold are tags
    case when declared.grain = 'unit' then requests.unit_id end as unit_id, requests.cost_usd
from requests
inner join declared on declared.workflow = requests.workflow
where
    requests.reason is null and (requests.units is null or declared.grain = 'day')
    and {{requests}}
