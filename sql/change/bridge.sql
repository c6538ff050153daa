-- grain: one row per (workflow, week, factor); `*` is all workflows together
-- A week is provisional while one of its days is (of `*`: of any workflow), counted to its Sunday.
select
    bridge_effects.workflow, bridge_effects.factor,
    bridge_effects.effect_usd, bridge_effects.before_usd, bridge_effects.after_usd,
    cast(bridge_effects.monday + interval 6 day as date)
    > cast(cast($as_of as date) - cast(maturity.maturity_days as integer) as date) as provisional,
    bridge_effects.monday as first_day
from bridge_effects
inner join (
    select workflow, maturity_days from declared
    union all
    select '*' as workflow, max(maturity_days) as maturity_days from declared
) as maturity on maturity.workflow = bridge_effects.workflow
