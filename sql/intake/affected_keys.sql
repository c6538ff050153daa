-- grain: one row per request key of several payloads, or that shares a call with another key, with news in this run
select request_key
from records
where request_key in (select request_key from repeated_keys)
group by request_key
having count(*) > 1
union
select request_key
from records
where response_id is not null and hash(response_id) in (select call_hash from shared_calls)
