-- grain: one row per (request, payload) that no earlier run has stored
select staged_requests.* exclude (repetition)
from staged_requests
left join records
    on records.request_key = staged_requests.request_key and records.payload = staged_requests.payload
where staged_requests.repetition = 1 and records.request_key is null
