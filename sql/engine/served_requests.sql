-- grain: one row per request of a touched day; where provisioned capacity served it, it costs its share and its fees
select
    requests.* exclude (cost_usd, cost_basis),
    case when served_costs.request_key is null then requests.cost_usd else served_costs.cost_usd end as cost_usd,
    case when served_costs.request_key is null then requests.cost_basis else 'computed' end as cost_basis
from requests
left join served_costs on served_costs.request_key = requests.request_key
where requests.day in (select day from touched_days)
