-- grain: one row per request key, or per (source, call), that counts more than once
select request_key, count(*) as times
from requests
where request_key in (select request_key from {{requests}} as counted where day in (select day from {{days}}))
group by request_key
having count(*) > 1
