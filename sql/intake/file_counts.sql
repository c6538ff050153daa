-- grain: one row per (source, file) read in this run: what became of its request records
select
    staged_requests.source, staged_requests.file,
    count(*) filter (where staged_requests.repetition = 1 and fresh_requests.request_key is not null and places.wins)
        as stored,
    count(*) filter (
        where staged_requests.repetition = 1 and fresh_requests.request_key is not null and not places.wins
    ) as superseded,
    count(*) filter (where staged_requests.repetition > 1 or fresh_requests.request_key is null) as duplicate
from staged_requests
left join fresh_requests
    on fresh_requests.request_key = staged_requests.request_key and fresh_requests.payload = staged_requests.payload
left join places on places.request_key = staged_requests.request_key and places.payload = staged_requests.payload
group by staged_requests.source, staged_requests.file
