-- grain: one row per evaluated (workflow, task type, item, model)
select
    evaluations.workflow, evaluations.task_type, evaluations.item_id,
    concat(evaluations.provider, '/', evaluations.model) as model, model_keys.model_key,
    cast(evaluations.quality as double) as quality, priced.cost_usd, evaluations.time, evaluations.signal,
    evaluations.input_tokens, evaluations.output_tokens, evaluations.latency_ms, evaluations.stratum
from evaluations
inner join model_keys on model_keys.provider = evaluations.provider and model_keys.model = evaluations.model
inner join priced
    on priced.request_key = concat_ws(
        '|', evaluations.workflow, evaluations.task_type, evaluations.item_id, evaluations.provider, evaluations.model
    )
order by evaluations.workflow, evaluations.task_type, evaluations.item_id, model
