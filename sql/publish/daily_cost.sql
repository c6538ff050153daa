-- grain: one row per (day, workflow)
select
    daily_cost.day, daily_cost.workflow, daily_cost.unit, outcomes, failed_units, requests, input_tokens,
    output_tokens, spend_usd, failure_spend_usd, cost_per_outcome_usd,
    daily_cost.day > cast(cast($as_of as date) - cast(declared.maturity_days as integer) as date) as provisional
from daily_cost
inner join declared on declared.workflow = daily_cost.workflow
order by daily_cost.day, daily_cost.workflow
