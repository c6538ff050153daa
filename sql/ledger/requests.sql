-- grain: one row per request counted on a touched day, with its dimensions, its price and why no unit bears it
with dimensions as (
    {{dimensions}}
),

assigned as (
    select
        dimensions.request_key, dimensions.payload, dimensions.request_id, dimensions.source, dimensions.time,
        dimensions.day, cast(dimensions.time as date) as utc_day, dimensions.provider, dimensions.model,
        dimensions.service_tier, dimensions.region, dimensions.status, dimensions.latency_ms,
        dimensions.input_uncached, dimensions.cache_read, dimensions.cache_write, dimensions.cache_write_long,
        dimensions.output_nonreasoning, dimensions.output_reasoning, {{input_extras}} as input_extras,
        {{output_extras}} as output_extras, dimensions.recorded_usd, dimensions.workflow as tagged_workflow, dimensions.task_type as tagged_task_type,
        dimensions.bearer.unit_id as unit_id, dimensions.bearer.units as units, dimensions.attempt_id, dimensions.stratum,
        {{rule}} as rule
    from dimensions
    -- a batch line that never ran is kept as a record and is no request
    where not coalesce(list_contains(dimensions.flags, 'not_executed'), false)
)

select
    assigned.request_key, assigned.payload, request_id, source, time, day, utc_day, assigned.provider,
    assigned.model, model_keys.model_key, model_keys.tier, service_tier, region, status,
    coalesce(tagged_workflow, assign_rules.workflow) as workflow,
    coalesce(assign_rules.task_type, tagged_task_type) as task_type,
    case when units is null then unit_id end as unit_id,
    units,
    attempt_id, stratum,
    case
        when coalesce(tagged_workflow, assign_rules.workflow) is null then 'no_workflow'
        when declared.workflow is null then 'undeclared_workflow'
        when unit_id is null and units is null and declared.grain = 'unit' then 'no_unit'
    end as reason,
    latency_ms, input_uncached, cache_read, cache_write, cache_write_long, output_nonreasoning, output_reasoning,
    input_uncached + cache_read + cache_write + cache_write_long + input_extras as input_tokens,
    output_nonreasoning + output_reasoning + output_extras as output_tokens,
    prices.cost_basis, prices.cost_usd, recorded_usd,
    assign_rules.rule as assigned_by
from assigned
left join assign_rules on assign_rules.rule = assigned.rule
left join declared on declared.workflow = coalesce(tagged_workflow, assign_rules.workflow)
left join model_keys on model_keys.provider = assigned.provider and model_keys.model = assigned.model
inner join (
    -- the prices of other days would fill the join's memory
    select request_key, payload, cost_basis, cost_usd from prices where {{near}}
) as prices on prices.request_key = assigned.request_key and prices.payload = assigned.payload
