-- grain: one row per (workflow, step of cost): units that cost so much; the last step holds all dearer ones
-- a step is a bar of a picture: a unit that lies on an edge may fall to either side of it
select
    outcome_cost.workflow,
    least(steps.last_step, cast(floor(cast(outcome_cost.spend_usd as double) / cast(steps.step_usd as double)) as bigint)) as step,
    steps.step_usd, steps.last_step,
    count(*) as units,
    cast(sum(case when outcome_cost.status = 'good' then 1 else 0 end) as bigint) as good_units
from outcome_cost
inner join steps on steps.workflow = outcome_cost.workflow
where outcome_cost.spend_usd is not null
group by 1, 2, 3, 4
order by 1, 2
