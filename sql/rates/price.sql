-- grain: one row per request of to_price
with matched as (
    select
        to_price.request_key,
        to_price.service_tier,
        coalesce(to_price.region, '') as region,
        to_price.input_uncached,
        to_price.cache_read,
        to_price.cache_write,
        to_price.cache_write_long,
        case
            when rate_cards.reasoning_price is null
                then to_price.output_nonreasoning + to_price.output_reasoning
            else to_price.output_nonreasoning
        end as output_billed,
        case when rate_cards.reasoning_price is null then 0 else to_price.output_reasoning end as reasoning_billed,
        to_price.recorded_usd,
        to_price.recorded_is_estimate,
        extras_total.request_key is not null as has_extras,
        coalesce(extras_total.amount_usd, 0) as extras_usd,
        case when extras_total.request_key is null then 0 else extras_total.list_amount_usd end as extras_list_usd,
        extras_total.missing as extras_missing,
        rate_cards.* exclude (provider, model, service_tier, region)
    from to_price
    left join extras_total on extras_total.request_key = to_price.request_key
    left join rate_cards
        on rate_cards.provider = to_price.provider
        and rate_cards.model = to_price.model
        and rate_cards.service_tier = to_price.service_tier
        and rate_cards.region = coalesce(to_price.region, '')
        and rate_cards.valid_from <= to_price.time
        and to_price.time < rate_cards.valid_to
        and rate_cards.band_over
            < to_price.input_uncached + to_price.cache_read + to_price.cache_write + to_price.cache_write_long
            + coalesce(extras_total.input_tokens, 0)
        and to_price.input_uncached + to_price.cache_read + to_price.cache_write + to_price.cache_write_long
            + coalesce(extras_total.input_tokens, 0) <= rate_cards.band_upto
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
-- `exact`: no price of the card has more than 12 places, so that there is nothing to round
valued as (
    select
        *,
        not has_extras
            and input_uncached + cache_read + cache_write + cache_write_long + output_billed + reasoning_billed = 0
            as nothing_billable,
        (input_price is null and input_uncached > 0)
            or (cache_read_price is null and cache_read > 0)
            or (cache_write_price is null and cache_write > 0)
            or (cache_write_long_price is null and cache_write_long > 0)
            or (output_price is null and output_billed > 0)
            or extras_missing is not null as lacks_a_rate,
        case
            when input_uncached = 0 then 0
            when exact then cast(cast(input_uncached as decimal(15, 0)) * input_price_12 as decimal(28, 12))
            else cast(round_even(cast(input_uncached as decimal(14, 0)) * input_price_22, 12) as decimal(28, 12))
        end as input_amount,
        case
            when cache_read = 0 then 0
            when exact then cast(cast(cache_read as decimal(15, 0)) * cache_read_price_12 as decimal(28, 12))
            else cast(round_even(cast(cache_read as decimal(14, 0)) * cache_read_price_22, 12) as decimal(28, 12))
        end as cache_read_amount,
        case
            when cache_write = 0 then 0
            when exact then cast(cast(cache_write as decimal(15, 0)) * cache_write_price_12 as decimal(28, 12))
            else cast(round_even(cast(cache_write as decimal(14, 0)) * cache_write_price_22, 12) as decimal(28, 12))
        end as cache_write_amount,
        case
            when cache_write_long = 0 then 0
            when exact then cast(cast(cache_write_long as decimal(15, 0)) * cache_write_long_price_12 as decimal(28, 12))
            else cast(round_even(cast(cache_write_long as decimal(14, 0)) * cache_write_long_price_22, 12) as decimal(28, 12))
        end as cache_write_long_amount,
        case
            when output_billed = 0 then 0
            when exact then cast(cast(output_billed as decimal(15, 0)) * output_price_12 as decimal(28, 12))
            else cast(round_even(cast(output_billed as decimal(14, 0)) * output_price_22, 12) as decimal(28, 12))
        end as output_amount,
        case
            when reasoning_billed = 0 then 0
            when exact then cast(cast(reasoning_billed as decimal(15, 0)) * reasoning_price_12 as decimal(28, 12))
            else cast(round_even(cast(reasoning_billed as decimal(14, 0)) * reasoning_price_22, 12) as decimal(28, 12))
        end as reasoning_amount,
        case
            when not contracted or input_uncached = 0 then 0
            when exact then cast(cast(input_uncached as decimal(15, 0)) * input_list_price_12 as decimal(28, 12))
            else cast(round_even(cast(input_uncached as decimal(14, 0)) * input_list_price_22, 12) as decimal(28, 12))
        end as input_listed,
        case
            when not contracted or cache_read = 0 then 0
            when exact then cast(cast(cache_read as decimal(15, 0)) * cache_read_list_price_12 as decimal(28, 12))
            else cast(round_even(cast(cache_read as decimal(14, 0)) * cache_read_list_price_22, 12) as decimal(28, 12))
        end as cache_read_listed,
        case
            when not contracted or cache_write = 0 then 0
            when exact then cast(cast(cache_write as decimal(15, 0)) * cache_write_list_price_12 as decimal(28, 12))
            else cast(round_even(cast(cache_write as decimal(14, 0)) * cache_write_list_price_22, 12) as decimal(28, 12))
        end as cache_write_listed,
        case
            when not contracted or cache_write_long = 0 then 0
            when exact then cast(cast(cache_write_long as decimal(15, 0)) * cache_write_long_list_price_12 as decimal(28, 12))
            else cast(round_even(cast(cache_write_long as decimal(14, 0)) * cache_write_long_list_price_22, 12) as decimal(28, 12))
        end as cache_write_long_listed,
        case
            when not contracted or output_billed = 0 then 0
            when exact then cast(cast(output_billed as decimal(15, 0)) * output_list_price_12 as decimal(28, 12))
            else cast(round_even(cast(output_billed as decimal(14, 0)) * output_list_price_22, 12) as decimal(28, 12))
        end as output_listed,
        case
            when not contracted or reasoning_billed = 0 then 0
            when exact then cast(cast(reasoning_billed as decimal(15, 0)) * reasoning_list_price_12 as decimal(28, 12))
            else cast(round_even(cast(reasoning_billed as decimal(14, 0)) * reasoning_list_price_22, 12) as decimal(28, 12))
        end as reasoning_listed
    from matched
),
decided as (
    select
        *,
        case
            when nothing_billable and coalesce(recorded_usd, 0) = 0 then 'computed'
            when nothing_billable then 'recorded'
            when not lacks_a_rate then 'computed'
            when recorded_usd is null then 'unpriced'
            when recorded_usd = 0 and recorded_is_estimate then 'unpriced'
            else 'recorded'
        end as cost_basis,
        cast(
            input_amount + cache_read_amount + cache_write_amount + cache_write_long_amount + output_amount + reasoning_amount
            + extras_usd
            as decimal(28, 12)
        ) as computed_usd
    from valued
)
select
    request_key,
    cost_basis,
    case cost_basis
        when 'recorded' then recorded_usd
        when 'computed' then coalesce(computed_usd, 0)
    end as cost_usd,
    -- null where some class has no list price; what a sender recorded says nothing of the list
    case cost_basis
        when 'computed' then
            case
                when contracted
                    then cast(
                        input_listed + cache_read_listed + cache_write_listed + cache_write_long_listed + output_listed + reasoning_listed
                        + extras_list_usd
                        as decimal(28, 12)
                    )
                else coalesce(computed_usd, 0)
            end
    end as list_cost_usd,
    case cost_basis when 'recorded' then 'recorded' when 'computed' then rate_source end as rate_source,
    case
        when lacks_a_rate
            then concat_ws(
                ',',
                case when input_price is null and input_uncached > 0 then concat('input@', service_tier) end,
                case when cache_read_price is null and cache_read > 0 then concat('cache_read@', service_tier) end,
                case when cache_write_price is null and cache_write > 0 then concat('cache_write@', service_tier) end,
                case when cache_write_long_price is null and cache_write_long > 0 then concat('cache_write_long@', service_tier) end,
                case when output_price is null and output_billed > 0 then concat('output@', service_tier) end,
                case
                    when extras_missing is not null
                        then concat(replace(extras_missing, ',', concat('@', service_tier, ',')), '@', service_tier)
                end,
                case when region <> '' then concat('region=', region) end
            )
    end as missing,
    case when cost_basis = 'computed' then input_price end as input_price,
    case when cost_basis = 'computed' then cache_read_price end as cache_read_price,
    case when cost_basis = 'computed' then cache_write_price end as cache_write_price,
    case when cost_basis = 'computed' then cache_write_long_price end as cache_write_long_price,
    case when cost_basis = 'computed' then output_price end as output_price,
    case when cost_basis = 'computed' then reasoning_price end as reasoning_price,
    case when cost_basis = 'computed' then cast(input_amount as decimal(28, 12)) end as input_usd,
    case when cost_basis = 'computed' then cast(cache_read_amount as decimal(28, 12)) end as cache_read_usd,
    case when cost_basis = 'computed' then cast(cache_write_amount as decimal(28, 12)) end as cache_write_usd,
    case when cost_basis = 'computed' then cast(cache_write_long_amount as decimal(28, 12)) end as cache_write_long_usd,
    case when cost_basis = 'computed' then cast(output_amount as decimal(28, 12)) end as output_usd,
    case when cost_basis = 'computed' then cast(reasoning_amount as decimal(28, 12)) end as reasoning_usd,
    -- spelt out only where a contract differs from the list; null inside where no list has a price
    case
        when cost_basis = 'computed' and contracted
            then {
                'input_price': input_list_price,
                'cache_read_price': cache_read_list_price,
                'cache_write_price': cache_write_list_price,
                'cache_write_long_price': cache_write_long_list_price,
                'output_price': output_list_price,
                'reasoning_price': reasoning_list_price,
                'input_usd': cast(input_listed as decimal(28, 12)),
                'cache_read_usd': cast(cache_read_listed as decimal(28, 12)),
                'cache_write_usd': cast(cache_write_listed as decimal(28, 12)),
                'cache_write_long_usd': cast(cache_write_long_listed as decimal(28, 12)),
                'output_usd': cast(output_listed as decimal(28, 12)),
                'reasoning_usd': cast(reasoning_listed as decimal(28, 12))
            }
    end as listed
from decided
