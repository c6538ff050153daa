-- grain: one row per (request counted on a touched day, further dimension that it carries); `value` is text
select requests.request_key, requests.day, found.dimension, found.value
from requests
inner join ({{found}}) as found on found.request_key = requests.request_key and found.payload = requests.payload
where requests.day in (select day from touched_days)
