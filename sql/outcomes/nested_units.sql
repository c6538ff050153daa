-- grain: one row per (workflow, unit) that has a parent or is one, with what it bears itself
with members as (
    select workflow, unit_id from unit_parents
    union
    select parent_workflow as workflow, parent_unit_id as unit_id from unit_parents
)

select
    members.workflow, members.unit_id, declared.unit, unit_parents.parent_workflow, unit_parents.parent_unit_id,
    coalesce(unit_parents.named, 0) as named, coalesce(unit_costs.status, 'open') as status, unit_costs.outcome_day,
    case when unit_costs.unit_id is null then 0 else unit_costs.spend_usd end as spend_usd
from members
inner join declared on declared.workflow = members.workflow
left join unit_parents on unit_parents.workflow = members.workflow and unit_parents.unit_id = members.unit_id
left join unit_costs on unit_costs.workflow = members.workflow and unit_costs.unit_id = members.unit_id
order by members.workflow, members.unit_id
