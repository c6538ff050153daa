-- grain: one row per (request, SKU) that provisioned capacity serves on one of its days, fees of those requests included
-- Amounts in whole 10^-12 dollars; the order decides who takes what is left over.
with skus as (
    {{skus}}
)

select
    capacity_models.name, capacity_models.day, requests.time, skus.request_key, skus.sku, skus.covered, skus.quantity,
    cast(skus.amount * 1000000000000 as decimal(38, 0)) as pico,
    cast(skus.list_amount * 1000000000000 as decimal(38, 0)) as list_pico, skus.missing,
    concat(requests.source, '|', requests.provider, '|', requests.request_id) as call
from requests
inner join capacity_models
    on capacity_models.day = requests.day and capacity_models.provider = requests.provider
    and capacity_models.model = requests.model and capacity_models.region = coalesce(requests.region, '')
    and capacity_models.service_tier = requests.service_tier
inner join skus on skus.request_key = requests.request_key and skus.day = requests.day
order by capacity_models.name, capacity_models.day, call, skus.sku
