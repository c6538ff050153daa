-- grain: one row per stored record under a key of this run's news, or of a call that they tell of
select records.request_key, records.provider, records.response_id, records.day
from records
inner join news_keys on news_keys.request_key = records.request_key
union
select records.request_key, records.provider, records.response_id, records.day
from records
inner join news_calls
    on news_calls.provider = records.provider and news_calls.response_id = records.response_id
