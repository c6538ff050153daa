-- grain: one row per request of to_price; tokens above an excess-only band are skus of their own
with prompts as (
    select
        to_price.request_key,
        to_price.input_uncached + to_price.cache_read + to_price.cache_write + to_price.cache_write_long
            + cast(coalesce(sum(case when input_skus.sku is null then 0 else extras_to_price.quantity end), 0) as bigint)
            as input_tokens
    from to_price
    left join extras_to_price on extras_to_price.request_key = to_price.request_key
    left join input_skus on input_skus.sku = extras_to_price.sku
    group by
        to_price.request_key, to_price.input_uncached, to_price.cache_read, to_price.cache_write,
        to_price.cache_write_long
),
above as (
    select
        to_price.request_key,
        to_price.input_uncached,
        to_price.cache_read,
        to_price.cache_write,
        to_price.cache_write_long,
        prompts.input_tokens - rate_cards.excess_over as excess
    from to_price
    inner join prompts on prompts.request_key = to_price.request_key
    inner join rate_cards
        on rate_cards.provider = to_price.provider
        and rate_cards.model = to_price.model
        and rate_cards.service_tier = to_price.service_tier
        and rate_cards.region = coalesce(to_price.region, '')
        and rate_cards.valid_from <= to_price.time
        and to_price.time < rate_cards.valid_to
        and rate_cards.excess_over < prompts.input_tokens
        and (
            not rate_cards.windowed
            or (
                rate_cards.window_start
                    <= extract(hour from to_price.time) * 3600
                    + extract(minute from to_price.time) * 60
                    + extract(second from to_price.time)
                and extract(hour from to_price.time) * 3600
                    + extract(minute from to_price.time) * 60
                    + extract(second from to_price.time) < rate_cards.window_end
                and date_diff('day', date '1970-01-05', cast(to_price.time as date)) % 7 + 1
                    between rate_cards.weekday_first and rate_cards.weekday_last
            )
        )
),
-- a cache holds the beginning of a prompt, so its end is the uncached input, then what was written, then what was read
parts as (
    select
        request_key,
        least(excess, input_uncached) as input_excess,
        least(greatest(excess - input_uncached, 0), cache_write) as cache_write_excess,
        least(greatest(excess - input_uncached - cache_write, 0), cache_write_long) as cache_write_long_excess,
        least(greatest(excess - input_uncached - cache_write - cache_write_long, 0), cache_read) as cache_read_excess
    from above
)
select
    to_price.* exclude (input_uncached, cache_read, cache_write, cache_write_long, extras),
    to_price.input_uncached - coalesce(parts.input_excess, 0) as input_uncached,
    to_price.cache_read - coalesce(parts.cache_read_excess, 0) as cache_read,
    to_price.cache_write - coalesce(parts.cache_write_excess, 0) as cache_write,
    to_price.cache_write_long - coalesce(parts.cache_write_long_excess, 0) as cache_write_long,
    case
        when parts.request_key is null then to_price.extras
        else map_concat(
            to_price.extras,
            map(
                ['input_excess', 'cache_read_excess', 'cache_write_excess', 'cache_write_long_excess'],
                [
                    parts.input_excess, parts.cache_read_excess, parts.cache_write_excess,
                    parts.cache_write_long_excess
                ]
            )
        )
    end as extras
from to_price
left join parts on parts.request_key = to_price.request_key
