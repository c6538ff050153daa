-- grain: one row per (workflow, model, whether tagged, kind of work inferred from a request's shape) of the period
with shaped as (
    select
        workflow, tier, provider, model, task_type is not null as tagged, cost_usd,
        case
            when output_reasoning > 0 and output_reasoning * 5 >= output_tokens * 2 then 'reasoning'
            when output_tokens - output_reasoning <= 16 then 'classification'
            when
                output_tokens - output_reasoning <= 600
                and (output_tokens - output_reasoning) * 10 <= input_tokens then 'extraction'
            when input_tokens >= 800 and (output_tokens - output_reasoning) * 3 <= input_tokens then 'summarization'
            else 'generation'
        end as inferred_kind
    from requests
    where status = 'ok' and day between cast($first_day as date) and cast($as_of as date)
)

select
    workflow, tier, provider, model, tagged, inferred_kind, count(*) as requests,
    coalesce(sum(cost_usd), 0) as spend_usd
from shaped
group by workflow, tier, provider, model, tagged, inferred_kind
order by workflow nulls first, tier nulls first, provider, model, tagged, inferred_kind
