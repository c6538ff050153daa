-- grain: one row per line of kind `requests` that surely says what reading it as a single record would find
-- A line is sure if all of it is accounted for: `members` and `strings` are how many members that are not null, and how
-- many texts among their values, were counted in its bytes; what was found under the names sought must be as many.
with parsed as (
    select *, try(json_transform(text, {{shape}})) as found
    from {{lines}}
    where not contains(text, '\')
),

texts as (
    select line, text, members, strings, nulls, {{columns}}
    from parsed
),

numbers as (
    select * replace ({{raw_numbers}}), {{counts}}
    from texts
    where {{texts_are_sure}}
),

spelt as (
    select
        *, {{spelt_numbers}},
        {{instant}} as instant,
        case when regexp_full_match(replace(cost_usd, '"', ''), {{amount}})
            then round_even(cast(replace(cost_usd, '"', '') as decimal(38, 28)), 12) end as cost,
        case
            when regexp_full_match(latency_ms, '[0-9]{1,12}') then cast(latency_ms as bigint)
            when regexp_full_match(latency_ms, '[0-9]{1,12}([.][0-9]{1,15})?')
                then cast(round_even(cast(latency_ms as decimal(38, 15)), 0) as bigint)
        end as latency,
        coalesce(status = 'error', false) as failed
    from numbers
    where {{numbers_are_sure}}
),

accounted as (
    select *
    from spelt
    where
        instant <= {{latest}}
        and (cost is null) = (cost_usd is null)
        and (latency is null) = (latency_ms is null)
        and (failed or (n_input_tokens is not null and n_output_tokens is not null))
        and coalesce(n_reasoning_tokens, 0) <= coalesce(n_output_tokens, 0)
        and coalesce(n_cache_read_tokens, 0) + coalesce(n_cache_write_tokens, 0)
        + coalesce(n_cache_write_long_tokens, 0) <= coalesce(n_input_tokens, 0)
)

select
    {{source}} as source, 'requests' as kind, {{file}} as file, line,
    request_id as record_key,
    request_id,
    nullif(response_id, '') as response_id,
    instant as time,
    {{provider}} as provider,
    model,
    case when failed then 'error' else 'ok' end as status,
    coalesce(n_input_tokens, 0) - coalesce(n_cache_read_tokens, 0) - coalesce(n_cache_write_tokens, 0)
    - coalesce(n_cache_write_long_tokens, 0) as input_uncached,
    coalesce(n_cache_read_tokens, 0) as cache_read,
    coalesce(n_cache_write_tokens, 0) as cache_write,
    coalesce(n_cache_write_long_tokens, 0) as cache_write_long,
    coalesce(n_output_tokens, 0) - coalesce(n_reasoning_tokens, 0) as output_nonreasoning,
    coalesce(n_reasoning_tokens, 0) as output_reasoning,
    cast(map() as map(varchar, bigint)) as extras,
    0 as known_classes,
    coalesce(service_tier, 'standard') as service_tier,
    case when region not in ('', {{standard_regions}}) then region end as region,
    latency as latency_ms,
    cast(cost as decimal(28, 12)) as recorded_usd,
    false as recorded_is_estimate,
    cast([] as struct(unit_id varchar, weight varchar)[]) as units,
    {{tags}} as tags,
    cast(map() as map(varchar, varchar)) as resource_tags,
    null as trace_id, null as span_id, null as parent_span_id, null as updated_at,
    cast([] as varchar[]) as flags,
    -- as it was written; see `spelling` for when two texts must be compared
    {{kept}} as canonical
from accounted
