-- grain: one row per (request, payload) that carries more than one price
select request_key, payload, count(*) as prices
from prices
where request_key in (select request_key from requests where day in (select day from touched_days))
group by request_key, payload
having count(*) > 1
