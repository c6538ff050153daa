-- grain: one row per (touched day, provider, model, pair of sources): calls that both seem to report under ids that can't match
-- LiteLLM invents its own response ids for Anthropic and Bedrock. Two records with the same token counts that start
-- within five seconds of each other are taken for one call.
with seen as (
    select
        records.day, records.provider, model_keys.model_key, records.source, records.time, requests.input_tokens,
        requests.output_tokens, requests.cost_usd,
        records.kind in ('litellm', 'litellm-spendlogs') as invents_ids
    from records
    inner join requests on requests.request_key = records.request_key and requests.day = records.day
    inner join model_keys on model_keys.provider = records.provider and model_keys.model = records.model
    where records.day in (select day from close_touched) and records.wins and records.provider in ('anthropic', 'aws') and requests.input_tokens > 0
)

select
    gateway.day, gateway.model_key as subject, gateway.source as gateway, other.source as other, count(*) as requests,
    sum(least(coalesce(gateway.cost_usd, 0), coalesce(other.cost_usd, 0))) as size
from seen as gateway
inner join seen as other
    on other.day = gateway.day and other.provider = gateway.provider and other.model_key = gateway.model_key
    and other.input_tokens = gateway.input_tokens and other.output_tokens = gateway.output_tokens
    and other.time between gateway.time - interval 5 second and gateway.time + interval 5 second
where gateway.invents_ids and not other.invents_ids
group by gateway.day, gateway.model_key, gateway.source, other.source
