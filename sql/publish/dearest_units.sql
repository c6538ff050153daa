-- grain: one row per (workflow, unit) among the dearest units of its workflow, dearest first
with placed as (
    select
        outcome_cost.*,
        row_number() over (
            partition by outcome_cost.workflow order by outcome_cost.spend_usd desc, outcome_cost.unit_id
        ) as place
    from outcome_cost
    inner join steps on steps.workflow = outcome_cost.workflow and outcome_cost.spend_usd >= steps.from_usd
)

select place, workflow, unit, unit_id, status, first_request, outcome_day, attempts, requests, spend_usd, value_usd
from placed
where place <= {{most}}
order by workflow, place
