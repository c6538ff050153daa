-- grain: one row per call of several records counted on a touched day: the dimensions its own tags, its trace, its
-- resource and the losing reports of the same call give, in that order
with own as (
    select
        members.request_key, members.precedence,
        case when len(members.units) > 0 then members.units end as bearing_units,
        {{own}}
    from members
    left join inherited
        on inherited.trace_id = members.trace_id and inherited.span_id = members.span_id
)

select
    request_key,
    {{taken}}
    min_by({'unit_id': unit_id, 'units': bearing_units}, precedence)
        filter (where unit_id is not null or bearing_units is not null) as bearer
from own
group by request_key
