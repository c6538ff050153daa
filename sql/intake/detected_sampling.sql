-- grain: one row per source of which a record, or the trace of a record, says that it was kept with a probability
-- below 1, and for which the workspace file says nothing of sampling; `said` counts the records that say so
with said as (
    select
        source, request_key, payload, cast(split_part(flag, ':', 2) as decimal(18, 6)) as probability
    from (select source, request_key, payload, unnest(flags) as flag from records where len(flags) > 0) as flagged
    where flag like 'sampled:%'
    union
    select records.source, records.request_key, records.payload, sampled_traces.probability
    from records
    inner join sampled_traces on sampled_traces.trace_id = records.trace_id
)

select
    source, count(distinct request_key) as said, min(probability) as least, max(probability) as greatest
from said
where source not in (select source from declared_sampling)
group by source
