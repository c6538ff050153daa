-- grain: one row per payload that belongs to a call of several records counted on a touched day; the winner first, then
-- by precedence
select
    winner.request_key, member.source, member.trace_id, member.span_id, member.parent_span_id, member.tags,
    member.resource_tags, member.units,
    row_number() over (
        partition by winner.request_key
        order by
            case when member.wins then 0 else 1 end,
            coalesce(source_priorities.priority, 0) desc,
            member.source,
            member.own_rank,
            member.request_key
    ) as precedence
from shared_winners as winner
inner join records as member
    on member.group_key = winner.group_key
    -- several requests of one source may name one answer (a retry, a cache hit): each keeps its own tags
    and (member.request_key = winner.request_key or member.source <> winner.source)
left join source_priorities on source_priorities.source = member.source
