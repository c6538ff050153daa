-- grain: one row per trace of which a span that is no call, read in this run, says that it was sampled
select trace_id, min(cast(tags['sampling.probability'] as decimal(18, 6))) as probability
from incoming_spans
where tags['sampling.probability'] is not null
group by trace_id
