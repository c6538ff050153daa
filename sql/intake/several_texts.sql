-- grain: one row per record of kind `requests` whose key has several payloads, numbered
-- Texts are long: those of the few are fetched by their place, the others are not read.
with counted as (
    select
        rowid as id, request_key, file, line,
        case when run_id = '{{run}}' then 1 else 0 end as fresh,
        count(*) over (partition by request_key) as payloads
    from records
    where kind = 'requests' and request_key in (select request_key from repeated_keys)
)

select
    row_number() over (order by counted.request_key, counted.fresh, counted.file, counted.line) - 1 as place,
    counted.id, records.canonical, counted.request_key, counted.fresh, counted.file, counted.line
from counted
inner join records on records.rowid = counted.id
where counted.payloads > 1
