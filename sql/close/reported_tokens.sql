-- grain: one row per (provider, UTC day, account, model as reported, service tier, token class) of the usage reports
-- One report of a day counts: the source with the higher priority, then the name; where hours and days were pulled, the
-- one that says more.
with metered as (
    select
        held.source, held.day, held.provider, coalesce(held.account, '') as account, held.model, held.service_tier,
        date_diff('minute', held.period_start, held.period_end) as width, coalesce(source_priorities.priority, 0) as priority,
        held.input_uncached, held.cache_read, held.cache_write, held.cache_write_long, held.output_tokens
    from metered_buckets as held
    left join source_priorities on source_priorities.source = held.source
    where held.wins and held.model is not null and date_diff('minute', held.period_start, held.period_end) <= 1440
),

reports as (
    select
        source, day, provider, width,
        row_number() over (
            partition by day, provider
            order by any_value(priority) desc, source,
                sum(input_uncached + cache_read + cache_write + cache_write_long + output_tokens) desc, width
        ) as place
    from metered
    group by source, day, provider, width
),

chosen as (
    select metered.*
    from metered
    inner join reports
        on reports.source = metered.source and reports.day = metered.day and reports.provider = metered.provider
        and reports.width = metered.width and reports.place = 1
),

classes as (
    select class
    from (values ('input'), ('cache_read'), ('cache_write'), ('cache_write_long'), ('output')) as named (class)
),

counted as (
    select
        chosen.*, classes.class,
        case classes.class
            when 'input' then chosen.input_uncached
            when 'cache_read' then chosen.cache_read
            when 'cache_write' then chosen.cache_write
            when 'cache_write_long' then chosen.cache_write_long
            else chosen.output_tokens
        end as tokens
    from chosen
    cross join classes
)

select provider, day, account, model, service_tier as tier, class, cast(sum(tokens) as bigint) as tokens
from counted
where tokens > 0
group by provider, day, account, model, service_tier, class
