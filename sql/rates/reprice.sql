-- grain: one row per (workflow, task_type, candidate model): the same requests, had they run on the candidate
with prompts as (
    select
        extras_to_price.request_key,
        sum(case when input_skus.sku is null then 0 else extras_to_price.quantity end) as input_tokens
    from extras_to_price
    left join input_skus on input_skus.sku = extras_to_price.sku
    group by extras_to_price.request_key
),
asked as (
    select
        cells.request_key,
        cells.workflow,
        cells.task_type,
        cells.time,
        cells.requests,
        cells.input_uncached,
        cells.cache_read,
        cells.cache_write,
        cells.cache_write_long,
        cells.output_nonreasoning,
        cells.output_reasoning,
        cells.prompt_tokens + coalesce(prompts.input_tokens, 0) as prompt_tokens,
        cells.service_tier,
        candidates.provider,
        candidates.model,
        candidates.region
    from cells_to_price as cells
    inner join candidates
        on candidates.workflow = coalesce(cells.workflow, '')
        and candidates.from_provider = cells.provider
        and candidates.from_region = coalesce(cells.region, '')
    left join prompts on prompts.request_key = cells.request_key
),
-- a tier that the candidate did not offer, that day or for so long a prompt, is taken as standard
chosen as (
    select
        asked.*,
        coalesce(tiered.card_id, standard.card_id) as card_id
    from asked
    left join rate_cards as tiered
        on tiered.provider = asked.provider
        and tiered.model = asked.model
        and tiered.region = asked.region
        and tiered.service_tier = asked.service_tier
        and tiered.valid_from <= asked.time
        and asked.time < tiered.valid_to
        and tiered.band_over < asked.prompt_tokens
        and asked.prompt_tokens <= tiered.band_upto
        and (
            not tiered.windowed
            or (
                tiered.window_start
                    <= extract(hour from asked.time) * 3600
                    + extract(minute from asked.time) * 60
                    + extract(second from asked.time)
                and extract(hour from asked.time) * 3600
                    + extract(minute from asked.time) * 60
                    + extract(second from asked.time) < tiered.window_end
                and date_diff('day', date '1970-01-05', cast(asked.time as date)) % 7 + 1
                    between tiered.weekday_first and tiered.weekday_last
            )
        )
    left join rate_cards as standard
        on tiered.card_id is null
        and standard.provider = asked.provider
        and standard.model = asked.model
        and standard.region = asked.region
        and standard.service_tier = 'standard'
        and standard.valid_from <= asked.time
        and asked.time < standard.valid_to
        and standard.band_over < asked.prompt_tokens
        and asked.prompt_tokens <= standard.band_upto
        and (
            not standard.windowed
            or (
                standard.window_start
                    <= extract(hour from asked.time) * 3600
                    + extract(minute from asked.time) * 60
                    + extract(second from asked.time)
                and extract(hour from asked.time) * 3600
                    + extract(minute from asked.time) * 60
                    + extract(second from asked.time) < standard.window_end
                and date_diff('day', date '1970-01-05', cast(asked.time as date)) % 7 + 1
                    between standard.weekday_first and standard.weekday_last
            )
        )
),
carded as (
    select
        chosen.*,
        rate_cards.input_price,
        -- a model that has no price for cached tokens takes the whole prompt as input
        coalesce(rate_cards.cache_read_price, rate_cards.input_price) as read_price,
        coalesce(rate_cards.cache_write_price, rate_cards.input_price) as write_price,
        coalesce(rate_cards.cache_write_long_price, rate_cards.cache_write_price, rate_cards.input_price)
            as write_long_price,
        rate_cards.output_price,
        coalesce(rate_cards.reasoning_price, rate_cards.output_price) as thought_price
    from chosen
    left join rate_cards on rate_cards.card_id = chosen.card_id
),
fees as (
    select
        carded.request_key,
        carded.provider,
        carded.model,
        sum(cast(extras_to_price.quantity as decimal(13, 0)) * rate_extras.unit_price) as fee_usd,
        count(*) - count(rate_extras.unit_price) as unknown
    from carded
    inner join extras_to_price
        on extras_to_price.request_key = carded.request_key
        and extras_to_price.sku <> 'request'
    left join rate_extras
        on rate_extras.card_id = carded.card_id
        and rate_extras.sku = extras_to_price.sku
    group by carded.request_key, carded.provider, carded.model
),
costed as (
    select
        carded.workflow,
        carded.task_type,
        carded.provider,
        carded.model,
        carded.requests,
        case when carded.input_uncached = 0 then 0 else cast(carded.input_uncached as decimal(15, 0)) * carded.input_price end
            + case when carded.cache_read = 0 then 0 else cast(carded.cache_read as decimal(15, 0)) * carded.read_price end
            + case when carded.cache_write = 0 then 0 else cast(carded.cache_write as decimal(15, 0)) * carded.write_price end
            + case
                when carded.cache_write_long = 0 then 0
                else cast(carded.cache_write_long as decimal(15, 0)) * carded.write_long_price
            end
            + case
                when carded.output_nonreasoning = 0 then 0
                else cast(carded.output_nonreasoning as decimal(15, 0)) * carded.output_price
            end
            + case
                when carded.output_reasoning = 0 then 0
                else cast(carded.output_reasoning as decimal(15, 0)) * carded.thought_price
            end as tokens_usd,
        coalesce(cast(round_even(fees.fee_usd, 15) as decimal(28, 15)), 0) as fee_usd,
        coalesce(fees.unknown, 0) as unknown
    from carded
    left join fees
        on fees.request_key = carded.request_key
        and fees.provider = carded.provider
        and fees.model = carded.model
)
select
    workflow,
    task_type,
    provider,
    model,
    cast(sum(requests) as bigint) as requests,
    case
        when count(tokens_usd) = count(*) and sum(unknown) = 0
            then cast(round_even(sum(cast(tokens_usd as decimal(28, 15)) + fee_usd), 12) as decimal(38, 12))
    end as spend_usd
from costed
group by workflow, task_type, provider, model
