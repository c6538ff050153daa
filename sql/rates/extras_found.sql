-- grain: one row per (request, extra sku) with its rate, or with nulls where no rate covers it
with prompts as (
    select
        request_key,
        sum(case when input_skus.sku is null then 0 else quantity end) as input_tokens
    from extras_to_price
    left join input_skus on input_skus.sku = extras_to_price.sku
    group by request_key
),
carded as (
    select
        to_price.request_key,
        rate_cards.card_id,
        prompts.input_tokens
    from prompts
    inner join to_price on to_price.request_key = prompts.request_key
    left join rate_cards
        on rate_cards.provider = to_price.provider
        and rate_cards.model = to_price.model
        and rate_cards.service_tier = to_price.service_tier
        and rate_cards.region = coalesce(to_price.region, '')
        and rate_cards.valid_from <= to_price.time
        and to_price.time < rate_cards.valid_to
        and rate_cards.band_over
            < to_price.input_uncached + to_price.cache_read + to_price.cache_write + to_price.cache_write_long
            + prompts.input_tokens
        and to_price.input_uncached + to_price.cache_read + to_price.cache_write + to_price.cache_write_long
            + prompts.input_tokens <= rate_cards.band_upto
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
)
select
    carded.request_key,
    extras_to_price.sku,
    extras_to_price.quantity,
    carded.input_tokens,
    rate_extras.unit_price,
    cast(
        round_even(cast(extras_to_price.quantity as decimal(13, 0)) * rate_extras.unit_price, 12)
        as decimal(28, 12)
    ) as amount_usd,
    cast(
        round_even(cast(extras_to_price.quantity as decimal(13, 0)) * rate_extras.list_unit_price, 12)
        as decimal(28, 12)
    ) as list_amount_usd,
    rate_extras.rate_source
from carded
inner join extras_to_price on extras_to_price.request_key = carded.request_key
left join rate_extras
    on rate_extras.card_id = carded.card_id
    and rate_extras.sku = extras_to_price.sku
