-- grain: one row per (UTC day, provider) on which the ledger holds less than 95 % of the tokens that the provider reports
-- One report of a day counts per source: where hours and days were pulled, the one that says more.
with metered as (
    select
        source, day, provider, date_diff('minute', period_start, period_end) as width,
        sum(input_uncached + cache_read + cache_write + cache_write_long + output_tokens) as tokens
    from metered_buckets
    where wins and date_diff('minute', period_start, period_end) <= 1440
    group by source, day, provider, date_diff('minute', period_start, period_end)
),

reported as (
    select day, provider, sum(tokens) as tokens
    from (select source, day, provider, max(tokens) as tokens from metered group by source, day, provider) as widest
    group by day, provider
),

held as (
    select utc_day as day, provider, sum(input_tokens + output_tokens) as tokens
    from requests
    group by utc_day, provider
)

select
    reported.day, 'reconciliation' as kind, reported.provider as subject, 'medium' as severity,
    cast(held.tokens as bigint) as held_tokens, cast(reported.tokens as bigint) as reported_tokens
from reported
inner join held on held.day = reported.day and held.provider = reported.provider
where 100 * held.tokens < 95 * reported.tokens
order by reported.day, reported.provider
