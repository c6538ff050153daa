-- grain: one row per evaluation that counts, shaped like a request so that the rate book can say what it cost
-- in the region that the workflow allows its model, where the workspace limits that
select
    concat_ws('|', evaluations.workflow, evaluations.task_type, evaluations.item_id, evaluations.provider, evaluations.model)
        as request_key,
    evaluations.provider, evaluations.model, evaluations.time,
    'ok' as status, 'standard' as service_tier, evaluation_places.region,
    evaluations.input_tokens as input_uncached, cast(0 as bigint) as cache_read, cast(0 as bigint) as cache_write,
    cast(0 as bigint) as cache_write_long, evaluations.output_tokens as output_nonreasoning,
    cast(0 as bigint) as output_reasoning, map([]::varchar[], []::bigint[]) as extras,
    evaluations.cost_usd as recorded_usd, false as recorded_is_estimate
from evaluations
left join evaluation_places
    on evaluation_places.workflow = evaluations.workflow and evaluation_places.provider = evaluations.provider
    and evaluation_places.model = evaluations.model
where evaluations.wins and (evaluations.input_tokens + evaluations.output_tokens > 0 or evaluations.cost_usd is not null)
