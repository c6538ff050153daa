-- grain: one row per member span: the dimensions that its ancestors carry
select
    trace_id, span_id,
    {{inherited}}
from ancestors
group by trace_id, span_id
