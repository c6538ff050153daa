-- grain: one row per (day, UTC day, source, provider, model, workflow, task type, tier, reason, cost basis, rule) of touched days
select
    day, utc_day, source, provider, model, model_key, workflow, task_type, tier, reason, cost_basis, assigned_by,
    count(*) as requests, count(cost_usd) as priced_requests, cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens, cast(sum(cost_usd) as decimal(38, 12)) as spend_usd
from {{requests}} as requests
where day in (select day from cells_touched)
group by
    day, utc_day, source, provider, model, model_key, workflow, task_type, tier, reason, cost_basis, assigned_by
