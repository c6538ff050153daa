-- grain: one row per request: what it costs under the present rates, its share of capacity included
select
    priced.request_key,
    case when served_costs.request_key is null then priced.cost_usd else served_costs.cost_usd end as cost_usd
from priced
left join served_costs on served_costs.request_key = priced.request_key
