-- grain: one row per payload that belongs to a call counted on a touched day; the winner first, then by precedence
select
    winner.request_key, winner.payload, winner.day, member.source, member.trace_id, member.span_id,
    member.parent_span_id, member.tags, member.resource_tags, member.units,
    row_number() over (
        partition by winner.request_key
        order by
            case when member.wins then 0 else 1 end,
            coalesce(source_priorities.priority, 0) desc,
            member.source,
            member.own_rank,
            member.request_key
    ) as precedence
from records as winner
inner join records as member on member.group_key = winner.group_key
left join source_priorities on source_priorities.source = member.source
where winner.wins and winner.day in (select day from touched_days)
