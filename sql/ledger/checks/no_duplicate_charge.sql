-- grain: one row per (request, payload) that carries more than one price; a payload has one time, and so one UTC day
select request_key, payload, count(*) as prices
from {{prices}} as prices
where called_on in (select utc_day from {{requests}} as requests where day in (select day from {{days}}))
group by request_key, payload
having count(*) > 1
