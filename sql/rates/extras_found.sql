-- grain: one row per (request, extra sku) with its rate, or with nulls where no rate covers it
with prompts as (
    select
        request_key,
        sum(case when input_skus.sku is null then 0 else quantity end) as input_tokens
    from extras_to_price
    left join input_skus on input_skus.sku = extras_to_price.sku
    group by request_key
),
asked as (
    select distinct request_key, provider, model, service_tier, region, time, prompt_tokens
    from extras_to_price
),
carded as (
    select
        asked.request_key,
        rate_cards.card_id,
        prompts.input_tokens
    from prompts
    inner join asked on asked.request_key = prompts.request_key
    left join rate_cards
        on rate_cards.provider = asked.provider
        and rate_cards.model = asked.model
        and rate_cards.service_tier = asked.service_tier
        and rate_cards.region = asked.region
        and rate_cards.valid_from <= asked.time
        and asked.time < rate_cards.valid_to
        and rate_cards.band_over < asked.prompt_tokens + prompts.input_tokens
        and asked.prompt_tokens + prompts.input_tokens <= rate_cards.band_upto
        and (
            not rate_cards.windowed
            or (
                rate_cards.window_start
                    <= extract(hour from asked.time) * 3600
                    + extract(minute from asked.time) * 60
                    + extract(second from asked.time)
                and extract(hour from asked.time) * 3600
                    + extract(minute from asked.time) * 60
                    + extract(second from asked.time) < rate_cards.window_end
                and date_diff('day', date '1970-01-05', cast(asked.time as date)) % 7 + 1
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
    rate_extras.list_unit_price,
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
