-- grain: one row per (request, SKU) of one reporting day
select *
from ({{charges}}) as charges
order by source, provider, request_id, request_key, sku
