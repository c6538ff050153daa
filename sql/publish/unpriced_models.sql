-- grain: one row per (provider, model, missing rate): requests that no rate covers, whether the sender named a cost or not
select
    requests.provider, requests.model, prices.missing, requests.cost_basis, count(*) as requests,
    min(requests.day) as first_day, max(requests.day) as last_day,
    cast(sum(requests.input_tokens) as bigint) as input_tokens,
    cast(sum(requests.output_tokens) as bigint) as output_tokens, sum(requests.cost_usd) as recorded_usd
from requests
inner join prices on prices.request_key = requests.request_key and prices.payload = requests.payload
where prices.missing is not null and requests.cost_basis <> 'computed' -- what capacity served has a price
group by requests.provider, requests.model, prices.missing, requests.cost_basis
order by requests.provider, requests.model, prices.missing, requests.cost_basis
