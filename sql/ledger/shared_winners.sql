-- grain: one row per request counted on a touched day whose call several records tell of
select request_key, source, group_key
from records
where
    {{counted}} and group_key in (select group_key from shared_groups)
