-- grain: one row per (month, dimension, value) that a request of the month carries, or per (month, dimension) with an
-- empty value where none does; `month_usd` and what carries no value stand beside each
with spent as (
    select
        substr(cast(day as varchar), 1, 7) as month, source, task_type, workflow, requests, priced_requests, spend_usd
    from request_cells
),

carried as (
    select month, 'source' as dimension, false as declared, source as value, requests, priced_requests, spend_usd
    from spent
    union all
    select month, 'task_type' as dimension, false as declared, task_type as value, requests, priced_requests, spend_usd
    from spent where task_type is not null
    union all
    select month, 'workflow' as dimension, false as declared, workflow as value, requests, priced_requests, spend_usd
    from spent where workflow is not null
    union all
    select
        substr(cast(day as varchar), 1, 7) as month, dimension, true as declared, value, requests, priced_requests,
        spend_usd
    from dimension_cells
),

whole as (
    -- fixed costs that no request bears are spend of the month that carries no value
    select
        month, cast(sum(requests) as bigint) as requests, cast(sum(priced) as bigint) as priced, coalesce(sum(spend_usd), 0) as spend_usd,
        coalesce(sum(standing_usd), 0) as standing_usd
    from (
        select month, requests, priced_requests as priced, spend_usd, null as standing_usd
        from spent
        union all
        select substr(cast(day as varchar), 1, 7) as month, 0 as requests, 0 as priced, amount_usd as spend_usd,
            amount_usd as standing_usd
        from standing_charges
    ) as costs
    group by month
),

parts as (
    select
        carried.month, carried.dimension, carried.value, cast(sum(carried.requests) as bigint) as requests,
        sum(carried.spend_usd) as spend_usd
    from carried
    inner join chargeback_dimensions
        on chargeback_dimensions.dimension = carried.dimension and chargeback_dimensions.declared = carried.declared
    group by carried.month, carried.dimension, carried.value
),

named as (
    select
        carried.month, carried.dimension, cast(sum(carried.requests) as bigint) as requests,
        cast(sum(carried.priced_requests) as bigint) as priced, coalesce(sum(carried.spend_usd), 0) as spend_usd
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
