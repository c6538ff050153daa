-- grain: one row per request of the days of `bridge_days` with more than tokens on demand: capacity served it, or it has
-- skus beside the six token classes
select request_key from capacity_shares where day in (select day from bridge_days)
union
select price_extras.request_key
from price_extras
inner join requests
    on requests.request_key = price_extras.request_key and requests.payload = price_extras.payload
where requests.day in (select day from bridge_days)
