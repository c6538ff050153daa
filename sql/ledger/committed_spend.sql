-- grain: one row per model of a provider with spend in a period, idle capacity included
select model, sum(cost_usd) as spend_usd
from (
    select model, cost_usd
    from {{requests}} as requests
    where provider = $provider and day between cast($first as date) and cast($last as date)
    union all
    select model, amount_usd as cost_usd
    from {{standing}} as standing
    where
        provider = $provider and day between cast($first as date) and cast($last as date)
        and sku <> 'commitment_shortfall'
) as spend
where cost_usd is not null
group by model
