-- grain: one row per distinct mark of an (item, model), of an evaluation or of a live call (`live`); `wins`: it counts
select
    evaluations.workflow, evaluations.task_type, evaluations.item_id,
    concat(evaluations.provider, '/', evaluations.model) as model, model_keys.model_key,
    cast(evaluations.quality as double) as quality, priced.cost_usd, evaluations.time, evaluations.signal,
    evaluations.input_tokens, evaluations.output_tokens, evaluations.latency_ms, evaluations.stratum, evaluations.wins,
    false as live
from evaluations
inner join model_keys on model_keys.provider = evaluations.provider and model_keys.model = evaluations.model
left join priced
    on evaluations.wins and priced.request_key = concat_ws(
        '|', evaluations.workflow, evaluations.task_type, evaluations.item_id, evaluations.provider, evaluations.model
    )
union all
select
    workflow, task_type, item_id, concat(provider, '/', model) as model, model_key,
    cast(quality as double) as quality, cost_usd, time, signal, input_tokens, output_tokens, latency_ms, stratum,
    row_number() over (
        partition by workflow, task_type, item_id, provider, model order by time desc, source desc, score_key desc
    ) = 1 as wins,
    true as live
from live_scores
where reason is null
order by workflow, task_type, item_id, model, live, time, signal, quality
