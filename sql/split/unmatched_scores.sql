-- grain: one row per score of a tool that marks no request, with the reason
select source, score_key, name, time, reason, trace_id, span_id, response_id
from live_scores
where reason is not null
order by source, score_key
