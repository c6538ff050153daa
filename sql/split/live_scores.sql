-- grain: one row per score of a tool that counts: the live mark that it makes, or why it makes none
-- A score meets the reports of a call by span or observation, else by response id, else by trace, and through them the
-- request that counts. A trace with several task types, models or units doesn't say which of them was scored.
with reports as (
    select
        group_key, response_id, coalesce(trace_id, nullif(tags['trace_id'], '')) as trace_id,
        case when kind = 'langfuse' then substr(record_key, strpos(record_key, '|') + 1) else span_id end as span_id
    from records
),

meetings as (
    select score_id, group_key, strength, min(strength) over (partition by score_id) as strongest
    from (
        select scores.rowid as score_id, reports.group_key, 1 as strength
        from scores
        inner join reports
            on
                reports.span_id = scores.span_id
                and coalesce(reports.trace_id, '') = coalesce(scores.trace_id, reports.trace_id, '')
        where scores.wins
        union all
        select scores.rowid as score_id, reports.group_key, 2 as strength
        from scores
        inner join reports on reports.response_id = scores.response_id
        where scores.wins
        union all
        select scores.rowid as score_id, reports.group_key, 3 as strength
        from scores
        inner join reports on reports.trace_id = scores.trace_id
        where scores.wins and (scores.span_id is null or scores.kind = 'otel-evaluations')
    ) as ways
),

served as (
    select
        found.score_id, count(*) as requests,
        count(*) filter (where requests.workflow is null or requests.task_type is null) as untagged,
        count(distinct concat_ws('|', requests.workflow, requests.task_type, requests.provider, requests.model)) as kinds,
        count(distinct requests.unit_id) as units,
        min(requests.request_key) as request_key
    from (select distinct score_id, group_key from meetings where strength = strongest) as found
    inner join records on records.group_key = found.group_key and records.wins
    inner join requests on requests.request_key = records.request_key
    group by found.score_id
),

named as (
    select source, count(distinct name) as names from scores where wins group by source
)

select
    scores.source, scores.score_key, scores.name, scores.time, scores.quality, scores.signal, scores.trace_id,
    scores.span_id, scores.response_id,
    case
        when named.names > 1 and scores.source not in (from declared_scores) then 'several score names'
        when served.requests is null then 'no request'
        when served.untagged > 0 then 'no workflow or task type'
        when served.kinds > 1 or served.units > 1 then 'several task types, models or units in the trace'
        when scores.signal is null then 'no signal'
    end as reason,
    requests.workflow, requests.task_type,
    coalesce(requests.unit_id, requests.request_id) as item_id,
    requests.provider, requests.model, requests.model_key,
    requests.cost_usd, requests.input_tokens,
    requests.output_tokens, requests.latency_ms,
    requests.stratum
from scores
inner join named on named.source = scores.source
left join served on served.score_id = scores.rowid
left join requests on requests.request_key = served.request_key
where scores.wins
order by scores.source, scores.score_key
