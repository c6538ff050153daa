-- grain: one row per (day, workflow, tier, model, whether tagged, kind of work inferred from a request's shape) of touched days:
-- successful requests
with shaped as (
    select
        day, workflow, tier, provider, model, task_type is not null as tagged, cost_usd,
        case
            when output_reasoning > 0 and output_reasoning * 5 >= output_tokens * 2 then 'reasoning'
            when output_tokens - output_reasoning <= 16 then 'classification'
            when
                output_tokens - output_reasoning <= 600
                and (output_tokens - output_reasoning) * 10 <= input_tokens then 'extraction'
            when input_tokens >= 800 and (output_tokens - output_reasoning) * 3 <= input_tokens then 'summarization'
            else 'generation'
        end as inferred_kind
    from {{requests}} as requests
    where status = 'ok' and day in (select day from cells_touched)
)

select
    day, workflow, tier, provider, model, tagged, inferred_kind, count(*) as requests,
    cast(sum(cost_usd) as decimal(38, 12)) as spend_usd
from shaped
group by day, workflow, tier, provider, model, tagged, inferred_kind
