-- grain: one row per workflow with nested units: all of its units, what they bear and what lies below them
with members as (
    select
        workflow, unit, status, own_spend_usd,
        case when parent_workflow is distinct from workflow then rolled_up_spend_usd end as rolled_up_spend_usd
    from rolled_up_units
    union all
    select unit_costs.workflow, unit_costs.unit, unit_costs.status, unit_costs.spend_usd, unit_costs.spend_usd
    from unit_costs
    left join rolled_up_units
        on rolled_up_units.workflow = unit_costs.workflow and rolled_up_units.unit_id = unit_costs.unit_id
    where unit_costs.workflow in (select workflow from rolled_up_units) and rolled_up_units.unit_id is null
)

select
    workflow, any_value(unit) as unit, count(*) as units,
    cast(sum(case when status = 'good' then 1 else 0 end) as bigint) as outcomes,
    sum(own_spend_usd) as own_spend_usd, sum(rolled_up_spend_usd) as rolled_up_spend_usd
from members
group by workflow
order by workflow
