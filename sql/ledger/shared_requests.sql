-- grain: one row per request of a touched day that several units share, with the amounts of its charges
with charges as (
    {{charges}}
)

select
    requests.request_key, requests.day, requests.workflow, requests.units, requests.cost_usd,
    list(charges.amount_usd order by charges.sku) as amounts
from requests
inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
left join charges on charges.request_key = requests.request_key
where requests.reason is null and requests.units is not null and {{requests}}
group by requests.request_key, requests.day, requests.workflow, requests.units, requests.cost_usd
