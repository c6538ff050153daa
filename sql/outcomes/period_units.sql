-- grain: one row per unit with a final status or spend in the period: its spend and its value there
select
    unit_days.workflow, unit_days.unit_id,
    cast(coalesce(sum(unit_days.spend_usd), 0) as decimal(38, 12)) as spend,
    cast(coalesce(sum(unit_days.value_usd), 0) as decimal(38, 12)) as value
from unit_days
inner join outcome_cost
    on outcome_cost.workflow = unit_days.workflow and outcome_cost.unit_id = unit_days.unit_id
where unit_days.day between cast($first_day as date) and cast($as_of as date)
group by unit_days.workflow, unit_days.unit_id
having
    count(unit_days.spend_usd) > 0
    or (sum(unit_days.events) > 0 and max(case when outcome_cost.status = 'open' then 0 else 1 end) = 1)
order by unit_days.workflow, unit_days.unit_id
