-- grain: one row per stored record of some days whose key is not decided anew
select records.*
from records
left join affected_keys on affected_keys.request_key = records.request_key
where affected_keys.request_key is null and records.day in (select day from thinned_days)
