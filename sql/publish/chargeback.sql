-- grain: one row per (month, dimension, value) that a request of the month carries, or per (month, dimension) with an
-- empty value where none does; `month_usd` and what carries no value stand beside each
with spent as (
    select request_key, day, substr(cast(day as varchar), 1, 7) as month, source, task_type, workflow, cost_usd
    from requests
),

carried as (
    select month, 'source' as dimension, false as declared, source as value, cost_usd from spent
    union all
    select month, 'task_type' as dimension, false as declared, task_type as value, cost_usd
    from spent where task_type is not null
    union all
    select month, 'workflow' as dimension, false as declared, workflow as value, cost_usd
    from spent where workflow is not null
    union all
    select spent.month, request_dimensions.dimension, true as declared, request_dimensions.value, spent.cost_usd
    from request_dimensions
    inner join spent on spent.request_key = request_dimensions.request_key and spent.day = request_dimensions.day
),

whole as (
    -- fixed costs that no request bears are spend of the month that carries no value
    select
        month, sum(requests) as requests, sum(priced) as priced, coalesce(sum(spend_usd), 0) as spend_usd,
        coalesce(sum(standing_usd), 0) as standing_usd
    from (
        select month, 1 as requests, case when cost_usd is null then 0 else 1 end as priced, cost_usd as spend_usd,
            null as standing_usd
        from spent
        union all
        select substr(cast(day as varchar), 1, 7) as month, 0 as requests, 0 as priced, amount_usd as spend_usd,
            amount_usd as standing_usd
        from standing_charges
    ) as costs
    group by month
),

parts as (
    select carried.month, carried.dimension, carried.value, count(*) as requests, sum(carried.cost_usd) as spend_usd
    from carried
    inner join chargeback_dimensions
        on chargeback_dimensions.dimension = carried.dimension and chargeback_dimensions.declared = carried.declared
    group by carried.month, carried.dimension, carried.value
),

named as (
    select carried.month, carried.dimension, count(*) as requests, count(carried.cost_usd) as priced,
        coalesce(sum(carried.cost_usd), 0) as spend_usd
    from carried
    inner join chargeback_dimensions
        on chargeback_dimensions.dimension = carried.dimension and chargeback_dimensions.declared = carried.declared
    group by carried.month, carried.dimension
)

select
    whole.month, chargeback_dimensions.dimension, parts.value,
    case when parts.month is null then 0 else parts.spend_usd end as spend_usd,
    -- nothing priced among them: unknown, not 0
    case
        when
            whole.requests = coalesce(named.requests, 0) or whole.priced > coalesce(named.priced, 0)
            or whole.standing_usd > 0
            then whole.spend_usd - coalesce(named.spend_usd, 0)
    end as unattributed_usd,
    coalesce(parts.requests, 0) as requests, whole.spend_usd as month_usd,
    coalesce(named.spend_usd, 0) as attributed_usd
from whole
cross join chargeback_dimensions
left join parts on parts.month = whole.month and parts.dimension = chargeback_dimensions.dimension
left join named on named.month = whole.month and named.dimension = chargeback_dimensions.dimension
order by whole.month, chargeback_dimensions.dimension, parts.value nulls first
