-- grain: one row per (day with capacity, provider, model as logged, region, tier) that capacity could serve
select distinct requests.day, requests.provider, requests.model, coalesce(requests.region, '') as region, requests.service_tier
from requests
inner join capacity_days on capacity_days.day = requests.day
where requests.service_tier in ('standard', 'provisioned')
order by requests.day, requests.provider, requests.model, region, requests.service_tier
