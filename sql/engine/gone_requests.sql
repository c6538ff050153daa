-- grain: one row per distinct request record of the lake that a rebuild replaces, of a call that no file reports any more
select numbered.* exclude (repetition)
from (
    select
        earlier_requests.*,
        row_number() over (partition by source, provider, request_id, canonical order by file, line) as repetition
    from earlier_requests
) as numbered
left join renames on renames.source = numbered.source and renames.file = numbered.file
left join (select distinct source, provider, request_id from fresh_requests) as present
    on present.source = coalesce(renames.name, numbered.source)
    and present.provider = numbered.provider and present.request_id = numbered.request_id
where numbered.repetition = 1 and present.source is null
