-- grain: one row per call, on the days of `overlap_touched`, of a model that two sources report
-- A call of the day before stands here too if one of the day starts within the seconds after it. `moment` numbers the
-- seconds in which calls are near; `make` is whose id the record has: sources whose makes differ, or that have none, can't
-- be matched by it.
with firsts as (
    select day, min(time) as first
    from requests
    where day in (select day from overlap_models)
    group by day
),

seen as (
    select
        requests.day, requests.day as called_on, 0 as before, requests.provider, requests.model_key, requests.source,
        requests.request_key, requests.time, requests.input_tokens, requests.output_tokens, requests.cost_usd
    from requests
    inner join overlap_models
        on overlap_models.day = requests.day and overlap_models.provider = requests.provider
        and overlap_models.model_key = requests.model_key
    where requests.input_tokens > 0
    union all
    select
        firsts.day, requests.day as called_on, 1 as before, requests.provider, requests.model_key, requests.source,
        requests.request_key, requests.time, requests.input_tokens, requests.output_tokens, requests.cost_usd
    from requests
    inner join firsts
        on cast(firsts.day - interval '1' day as date) = requests.day
        and requests.time >= firsts.first - {{reach}} * interval '1' second
    inner join overlap_models
        on overlap_models.day = firsts.day and overlap_models.provider = requests.provider
        and overlap_models.model_key = requests.model_key
    where requests.input_tokens > 0
),

shared as (
    select day, provider, model_key
    from seen
    group by day, provider, model_key
    having min(source) < max(source)
)

select
    seen.day, seen.before, seen.provider, seen.model_key, seen.source, seen.input_tokens, seen.output_tokens,
    seen.cost_usd, cast(floor(cast(epoch(seen.time) as double) / {{near}}) as bigint) as moment,
    case
        when records.response_id is null then 'none'
        when records.kind in ('litellm', 'litellm-spendlogs') and seen.provider in ('anthropic', 'aws') then 'none'
        when records.response_id like 'chatcmpl-%' then 'chatcmpl'
        when records.response_id like 'resp_%' then 'resp'
        when records.response_id like 'msg_%' then 'msg'
        when records.response_id like 'gen-%' then 'gen'
        else 'another'
    end as make
from seen
inner join shared
    on shared.day = seen.day and shared.provider = seen.provider and shared.model_key = seen.model_key
inner join records on records.request_key = seen.request_key and records.day = seen.called_on and records.wins
