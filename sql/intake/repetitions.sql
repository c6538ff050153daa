-- grain: one row per record of this run whose key and payload another record has: one stored before it, else the first
select id, source, file
from (
    select
        rowid as id, source, file,
        row_number() over (
            partition by request_key, payload
            order by case when run_id = '{{run}}' then 1 else 0 end, file, line
        ) as repetition
    from records
    where request_key in (select request_key from repeated_keys)
) as numbered
where repetition > 1
