-- grain: one row per (day, further dimension, value) of touched days: the requests that carry it
select
    request_dimensions.day, request_dimensions.dimension, request_dimensions.value, count(*) as requests,
    count(requests.cost_usd) as priced_requests, cast(sum(requests.cost_usd) as decimal(38, 12)) as spend_usd
from {{request_dimensions}} as request_dimensions
inner join {{requests}} as requests
    on requests.request_key = request_dimensions.request_key and requests.day = request_dimensions.day
where
    request_dimensions.day in (select day from cells_touched) and requests.day in (select day from cells_touched)
group by request_dimensions.day, request_dimensions.dimension, request_dimensions.value
