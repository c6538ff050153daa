-- grain: one row per (day of `overlap_touched`, provider, canonical model) that more than one source reports on that day or the
-- day before: no other model's requests are looked at
with reported as (
    select overlap_touched.day, request_cells.provider, request_cells.model_key, request_cells.source
    from request_cells
    inner join overlap_touched
        on request_cells.day = overlap_touched.day
        or request_cells.day = cast(overlap_touched.day - interval '1' day as date)
)

select day, provider, model_key
from reported
group by day, provider, model_key
having min(source) < max(source)
