-- grain: one row per workflow: how what one unit costs spreads; units without a known cost are left out
with cut as (
    select
        workflow, count(*) as units, sum(spend_usd) as spend_usd, max(spend_usd) as dearest_usd,
        percentile_disc(0.5) within group (order by spend_usd) as p50_usd,
        percentile_disc(0.95) within group (order by spend_usd) as p95_usd
    from outcome_cost
    where spend_usd is not null
    group by workflow
),

above as (
    select outcome_cost.workflow, count(*) as units, sum(outcome_cost.spend_usd) as spend_usd
    from outcome_cost
    inner join cut on cut.workflow = outcome_cost.workflow and outcome_cost.spend_usd > cut.p95_usd
    group by outcome_cost.workflow
)

select
    cut.workflow, cut.units, cast(cut.spend_usd as decimal(38, 12)) as spend_usd, cut.dearest_usd, cut.p50_usd,
    cut.p95_usd, coalesce(above.units, 0) as above_units,
    cast(coalesce(above.spend_usd, 0) as decimal(38, 12)) as above_spend_usd
from cut
left join above on above.workflow = cut.workflow
order by cut.workflow
