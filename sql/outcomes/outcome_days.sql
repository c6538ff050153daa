-- grain: one row per (day, workflow) of `daily_cost`: the day, the seven days up to it, and the whole life of the units
-- that became good on it (units taken back since are not among them)
with windows as (
    select
        day, workflow, unit, outcomes, spend_usd, failure_spend_usd, cost_per_outcome_usd,
        sum(outcomes) over seven_days as outcomes_7d, sum(spend_usd) over seven_days as spend_7d_usd,
        sum(failure_spend_usd) over seven_days as failure_spend_7d_usd
    from daily_cost
    window seven_days as (
        partition by workflow order by day range between interval 6 day preceding and current row
    )
),

lives as (
    select
        workflow, outcome_day as day, count(*) as good_units,
        quantile_disc(spend_usd, 0.5) as lifetime_median_usd, quantile_disc(spend_usd, 0.95) as lifetime_p95_usd
    from unit_costs
    where status = 'good'
    group by workflow, outcome_day
)

select
    windows.day, windows.workflow, windows.unit, windows.outcomes, windows.spend_usd, windows.cost_per_outcome_usd,
    cast(windows.outcomes_7d as bigint) as outcomes_7d, cast(windows.spend_7d_usd as decimal(38, 12)) as spend_7d_usd,
    coalesce(lives.good_units, 0) as good_units, lives.lifetime_median_usd, lives.lifetime_p95_usd,
    windows.failure_spend_usd, cast(windows.failure_spend_7d_usd as decimal(38, 12)) as failure_spend_7d_usd,
    case
        when reported.workflow is null then 'no outcomes reported'
        when windows.outcomes <= 0 and windows.spend_usd > 0 then 'all failed'
    end as flag,
    windows.day > cast(cast($as_of as date) - cast(declared.maturity_days as integer) as date) as provisional
from windows
inner join declared on declared.workflow = windows.workflow
left join lives on lives.workflow = windows.workflow and lives.day = windows.day
left join ({{reported}}) as reported on reported.workflow = windows.workflow
order by windows.day, windows.workflow
