-- grain: one row per record of `counted`: the record, and the dimensions that its call has
-- A call of one record, as nearly all are, needs no look at others.
with alone as (
    select
        members.*, case when len(members.units) > 0 then members.units end as bearing_units,
        {{own}}
    from records as members
    left join inherited
        on inherited.trace_id = members.trace_id and inherited.span_id = members.span_id
    where
        {{counted}}
        and members.group_key not in (select group_key from shared_groups)
)

select
    alone.* exclude (bearing_units, unit_id),
    case
        when unit_id is not null or bearing_units is not null then {'unit_id': unit_id, 'units': bearing_units}
    end as bearer
from alone
union all
select records.*, shared_dimensions.* exclude (request_key)
from records
inner join shared_dimensions on shared_dimensions.request_key = records.request_key
where {{counted}}
