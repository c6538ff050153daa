-- grain: one row per span of a call counted on a touched day whose trace holds other spans
select trace_id, span_id, parent_span_id
from members
where trace_id in (select trace_id from spans)
union
select trace_id, span_id, parent_span_id
from records
where {{counted}} and trace_id in (select trace_id from spans)
