-- grain: one row per (published day, workflow) whose figures this run changed
select
    now() as published_at, coalesce(daily_before.day, daily_cost.day) as day,
    coalesce(daily_before.workflow, daily_cost.workflow) as workflow,
    daily_before.spend_usd as before_usd, daily_cost.spend_usd as after_usd, $cause as cause
from daily_before
full outer join (
    select * from daily_cost where day in (select day from cost_days)
) as daily_cost
    on daily_cost.day = daily_before.day and daily_cost.workflow = daily_before.workflow
where
    coalesce(daily_before.day, daily_cost.day) <= cast($published_until as date)
    and (
        daily_before.spend_usd is distinct from daily_cost.spend_usd
        or daily_before.outcomes is distinct from daily_cost.outcomes
        or daily_before.failed_units is distinct from daily_cost.failed_units
        or daily_before.requests is distinct from daily_cost.requests
        or daily_before.cost_per_outcome_usd is distinct from daily_cost.cost_per_outcome_usd
    )
