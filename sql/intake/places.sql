-- grain: one row per (request, payload): its rank within its key, the call it belongs to, and whether it counts
-- One key, two payloads: re-exports by updated_at, then ok over error, more output, more input, (gateways and traces)
-- more token classes told apart, later time, greater canonical text. One call in two sources: the higher priority,
-- then the smaller source name. A sampled source lends its tags and makes no request: its records never count.
with ranked as (
    select
        candidates.*,
        row_number() over (
            partition by request_key
            order by
                updated_at desc nulls last,
                case when status = 'ok' then 1 else 0 end desc,
                output_tokens desc,
                input_tokens desc,
                case when kind = 'requests' then 0 else known_classes end desc,
                time desc,
                canonical desc
        ) as own_rank
    from candidates
),

winners as (
    select
        request_key, source,
        case
            when response_id is null then request_key
            else cast(md5_number(concat('call|', provider, '|', response_id)) as uuid)
        end as group_key
    from ranked
    where own_rank = 1
),

best_sources as (
    select
        group_key, source,
        row_number() over (
            partition by group_key order by coalesce(source_priorities.priority, 0) desc, source
        ) as source_rank
    from (
        select distinct group_key, source
        from winners
        where source not in (select source from tags_only_sources)
    ) as found
    left join source_priorities using (source)
)

select
    ranked.request_key, ranked.payload, ranked.own_rank, winners.group_key,
    coalesce(ranked.own_rank = 1 and best_sources.source_rank = 1, false) as wins
from ranked
inner join winners on winners.request_key = ranked.request_key
left join best_sources
    on best_sources.group_key = winners.group_key and best_sources.source = winners.source
