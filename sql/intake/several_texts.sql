-- grain: one row per record of kind `requests` whose key has several payloads, numbered
select
    row_number() over (order by request_key, fresh, file, line) - 1 as place,
    id, canonical, request_key, fresh, file, line
from (
    select
        rowid as id, canonical, request_key, file, line,
        case when run_id = '{{run}}' then 1 else 0 end as fresh,
        count(*) over (partition by request_key) as payloads
    from records
    where kind = 'requests' and own_rank > 0 and hash(request_key) in (select key_hash from repeated_keys)
) as counted
where payloads > 1
