-- grain: one row per (UTC day, provider, model) that a provider's usage report names (model is empty where the report
-- does not tell models apart): its tokens, and those of the ledger's requests
-- One report of a day counts per source: where hours and days were pulled, the one that says more. `logged` says
-- whether the provider's calls were logged before and after that day, or on it.
with metered as (
    select
        metered_buckets.source, metered_buckets.day, metered_buckets.provider,
        date_diff('minute', period_start, period_end) as width,
        coalesce(model_keys.model_key, metered_buckets.model) as model,
        input_uncached + cache_read + cache_write + cache_write_long + output_tokens as tokens
    from metered_buckets
    left join model_keys
        on model_keys.provider = metered_buckets.provider and model_keys.model = metered_buckets.model
    where wins and date_diff('minute', period_start, period_end) <= 1440
),

widths as (
    select
        source, day, provider, width,
        row_number() over (partition by source, day, provider order by sum(tokens) desc, width) as place
    from metered
    group by source, day, provider, width
),

chosen as (
    select metered.day, metered.provider, metered.model, metered.tokens
    from metered
    inner join widths
        on widths.source = metered.source and widths.day = metered.day and widths.provider = metered.provider
        and widths.width = metered.width and widths.place = 1
),

detail as (
    select day, provider, count(*) = count(model) as by_model
    from chosen
    group by day, provider
),

reported as (
    select
        chosen.day, chosen.provider, case when detail.by_model then chosen.model end as model,
        sum(chosen.tokens) as tokens
    from chosen
    inner join detail on detail.day = chosen.day and detail.provider = chosen.provider
    group by chosen.day, chosen.provider, case when detail.by_model then chosen.model end
),

held as (
    select utc_day as day, provider, model_key as model, sum(input_tokens + output_tokens) as tokens
    from request_cells
    group by utc_day, provider, model_key
    union all
    select utc_day as day, provider, null as model, sum(input_tokens + output_tokens) as tokens
    from request_cells
    group by utc_day, provider
),

logged as (
    select provider, min(utc_day) as first_day, max(utc_day) as last_day from request_cells group by provider
)

select
    reported.day, reported.provider, reported.model, cast(reported.tokens as bigint) as reported_tokens,
    cast(coalesce(held.tokens, 0) as bigint) as held_tokens,
    coalesce(reported.day between logged.first_day and logged.last_day, false) as logged
from reported
left join held
    on held.day = reported.day and held.provider = reported.provider
    and held.model is not distinct from reported.model
left join logged on logged.provider = reported.provider
