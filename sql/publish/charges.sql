-- grain: one row per (request, SKU) of one reporting day
-- In the order of units, as their requests are.
select *
from ({{charges}}) as charges
order by unit_id, request_id, request_key, sku
