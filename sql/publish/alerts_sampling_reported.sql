-- grain: one row per (source of traces, provider) whose tokens stay under 90 % of the provider's usage report, on three
-- days or more and under 95 % on each, where hardly anything else reports the provider's calls
with daily as (
    select day, provider, sum(reported_tokens) as reported
    from coverage
    where logged
    group by day, provider
),

traced as (
    select
        requests.utc_day as day, requests.provider, requests.source,
        sum(requests.input_tokens + requests.output_tokens) as tokens
    from requests
    group by requests.utc_day, requests.provider, requests.source
),

held as (
    select day, provider, sum(tokens) as tokens from traced group by day, provider
),

alone as (
    select traced.source, traced.provider, daily.day, daily.reported, held.tokens as held
    from traced
    inner join held on held.day = traced.day and held.provider = traced.provider
    inner join daily on daily.day = traced.day and daily.provider = traced.provider
    where
        traced.source in (select source from trace_sources)
        and traced.source not in (select source from declared_sampling)
        and 10 * traced.tokens >= 9 * held.tokens
)

select
    max(day) as day, 'sampling' as kind, source as subject, 'medium' as severity, provider, count(*) as days,
    cast(sum(held) as bigint) as held, cast(sum(reported) as bigint) as reported,
    cast(sum(reported - held) as double) / 1000000 as size
from alone
group by source, provider
having count(*) >= 3 and 10 * sum(held) < 9 * sum(reported) and max(100 * held - 95 * reported) < 0
order by source, provider
