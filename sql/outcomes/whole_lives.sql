-- grain: one row per unit that counts and whose requests and events all lie in the period: its spend and its value
-- As `period_units` says it, but told by the unit's cost: no day is read.
select
    unit_costs.workflow, cast(coalesce(unit_costs.spend_usd, 0) as decimal(38, 12)) as spend,
    cast(coalesce(unit_costs.value_usd, 0) as decimal(38, 12)) as value
from unit_costs
inner join declared on declared.workflow = unit_costs.workflow and declared.grain = 'unit'
where
    unit_costs.lived_from >= cast($first_day as date) and unit_costs.lived_to <= cast($as_of as date)
    and (unit_costs.requests > 0 and unit_costs.spend_usd is not null or unit_costs.status <> 'open')
