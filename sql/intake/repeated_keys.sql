-- grain: one row per request key under which a record of this run is not the only one
select request_key
from records
where {{all_fresh}} or request_key in (select request_key from records where run_id = '{{run}}')
group by request_key
having count(*) > 1
