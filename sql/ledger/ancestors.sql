-- grain: one row per (member span, ancestor span): the tags a call inherits, nearest first, the trace's roots last
with recursive up as (
    select trace_id, span_id, parent_span_id as at, 1 as depth
    from traced
    where parent_span_id is not null
    union
    select up.trace_id, up.span_id, spans.parent_span_id as at, up.depth + 1 as depth
    from up
    inner join spans on spans.trace_id = up.trace_id and spans.span_id = up.at
    where spans.parent_span_id is not null and up.depth < 64
)

select up.trace_id, up.span_id, up.depth, spans.tags
from up
inner join spans on spans.trace_id = up.trace_id and spans.span_id = up.at
union all
select traced.trace_id, traced.span_id, 1000 as depth, spans.tags
from traced
inner join spans on spans.trace_id = traced.trace_id and spans.parent_span_id is null
