-- grain: one row per request of a touched day that several units share, with the amounts of its charges
select
    requests.request_key, requests.day, requests.workflow, requests.units, prices.cost_basis, prices.cost_usd,
    [
        prices.input_usd, prices.cache_read_usd, prices.cache_write_usd, prices.cache_write_long_usd,
        prices.output_usd, prices.reasoning_usd
    ] as amounts,
    extras.amounts as extra_amounts
from requests
inner join prices on prices.request_key = requests.request_key and prices.payload = requests.payload
inner join declared on declared.workflow = requests.workflow and declared.grain = 'unit'
left join (
    select request_key, payload, list(amount_usd order by sku) as amounts
    from price_extras
    group by request_key, payload
) as extras on extras.request_key = requests.request_key and extras.payload = requests.payload
where requests.reason is null and requests.units is not null and requests.day in (select day from touched_days)
