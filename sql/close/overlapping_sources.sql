-- grain: one row per (day, model, pair of sources): calls that both seem to report under ids that can't match
-- Ids can't match where a record has none, where LiteLLM replaced the provider's by its own, or where the two are of
-- different makes. How alike two such streams may be by chance, and when they are told: `pipelines.close.overlaps`, which
-- fills in the figures. Calls of the day before count where one of the day starts within the seconds after them.
with firsts as (
    select day, min(time) as first
    from requests
    where day in (select day from overlap_touched)
    group by day
),

seen as (
    select
        day, day as called_on, 0 as before, provider, model_key, source, request_key, time, input_tokens,
        output_tokens, cost_usd
    from requests
    where day in (select day from overlap_touched) and input_tokens > 0
    union all
    select
        firsts.day, requests.day as called_on, 1 as before, requests.provider, requests.model_key, requests.source,
        requests.request_key, requests.time, requests.input_tokens, requests.output_tokens, requests.cost_usd
    from requests
    inner join firsts
        on cast(firsts.day - interval '1' day as date) = requests.day
        and requests.time >= firsts.first - interval '{{reach}}' second
    where requests.input_tokens > 0
),

shared as (
    select day, provider, model_key
    from seen
    group by day, provider, model_key
    having min(source) < max(source)
),

calls as (
    select
        seen.day, seen.before, seen.provider, seen.model_key, seen.source, seen.input_tokens, seen.output_tokens,
        seen.cost_usd, cast(floor(cast(epoch(seen.time) as double) / {{near}}) as bigint) as moment,
        case
            when records.response_id is null then 'none'
            when records.kind in ('litellm', 'litellm-spendlogs') and seen.provider in ('anthropic', 'aws') then 'none'
            when records.response_id like 'chatcmpl-%' then 'chatcmpl'
            when records.response_id like 'resp_%' then 'resp'
            when records.response_id like 'msg_%' then 'msg'
            when records.response_id like 'gen-%' then 'gen'
            else 'another'
        end as make
    from seen
    inner join shared
        on shared.day = seen.day and shared.provider = seen.provider and shared.model_key = seen.model_key
    inner join records on records.request_key = seen.request_key and records.day = seen.called_on and records.wins
),

streams as (
    select
        day, provider, model_key, source, make, count(*) as calls,
        row_number() over (order by day, provider, model_key, source, make) as stream
    from calls
    group by day, provider, model_key, source, make
),

-- who can have seen the same calls
pairs as (
    select
        one.day, one.model_key, one.source as one, other.source as other, one.stream as one_stream,
        other.stream as other_stream, one.calls + other.calls as calls,
        count(*) over (partition by one.day, one.source, other.source) as looks,
        row_number() over (order by one.stream, other.stream) as pair
    from streams as one
    inner join streams as other
        on other.day = one.day and other.provider = one.provider and other.model_key = one.model_key
        and one.source < other.source and (one.make = 'none' or other.make = 'none' or one.make <> other.make)
),

sides as (
    select pair, one_stream as stream, 1 as one, 0 as other from pairs
    union all
    select pair, other_stream as stream, 0 as one, 1 as other from pairs
),

members as (
    select
        sides.pair, sides.one, sides.other, calls.input_tokens, calls.output_tokens, calls.moment, calls.before,
        calls.cost_usd
    from calls
    inner join streams
        on streams.day = calls.day and streams.provider = calls.provider and streams.model_key = calls.model_key
        and streams.source = calls.source and streams.make = calls.make
    inner join sides on sides.stream = streams.stream
),

-- sizes that both have on the day, each a chance to be found alike
sizes as (
    select pair, input_tokens, output_tokens, count(*) as calls
    from members
    group by pair, input_tokens, output_tokens
    having max(one) = 1 and max(other) = 1
),

alike as (
    select
        members.pair, members.input_tokens, members.output_tokens, members.moment, members.before,
        sum(members.one) as ones, sum(members.other) as others,
        sum(case when members.one = 1 then members.cost_usd end) as ones_usd,
        sum(case when members.other = 1 then members.cost_usd end) as others_usd
    from members
    inner join sizes
        on sizes.pair = members.pair and sizes.input_tokens = members.input_tokens
        and sizes.output_tokens = members.output_tokens
    group by members.pair, members.input_tokens, members.output_tokens, members.moment, members.before
),

-- what starts in the moment before and after; of the day before, only the likes of calls of the day
looked_at as (
    select
        *,
        case when before = 0 and lag(moment) over sized = moment - 1 then lag(ones) over sized else 0 end as ones_before,
        case when before = 0 and lag(moment) over sized = moment - 1 then lag(others) over sized else 0 end as others_before,
        case
            when lead(moment) over sized = moment + 1 and before * lead(before) over sized = 0 then lead(ones) over sized
            else 0
        end as ones_after,
        case
            when lead(moment) over sized = moment + 1 and before * lead(before) over sized = 0
                then lead(others) over sized
            else 0
        end as others_after
    from alike
    window sized as (partition by pair, input_tokens, output_tokens order by moment)
),

near as (
    select
        *, ones_before + ones * (1 - before) + ones_after as ones_near,
        others_before + others * (1 - before) + others_after as others_near
    from looked_at
),

found as (
    select
        pair, input_tokens, output_tokens, sum(case when others_near > 0 then ones else 0 end) as ones,
        sum(case when ones_near > 0 then others else 0 end) as others,
        sum(case when others_near > 0 then ones_usd end) as ones_usd,
        sum(case when ones_near > 0 then others_usd end) as others_usd, sum(ones * others_near) as near_pairs
    from near
    group by pair, input_tokens, output_tokens
),

size_blocks as (
    select
        pair, input_tokens, output_tokens, cast(floor(cast(moment as double) / {{moments}}) as bigint) as block,
        sum(ones) as ones, sum(others) as others
    from alike
    group by pair, input_tokens, output_tokens, cast(floor(cast(moment as double) / {{moments}}) as bigint)
),

size_neighbours as (
    select
        *, case when lead(block) over sized = block + 1 then lead(ones) over sized else 0 end as next_ones,
        case when lead(block) over sized = block + 1 then lead(others) over sized else 0 end as next_others
    from size_blocks
    window sized as (partition by pair, input_tokens, output_tokens order by block)
),

-- pairs of calls of one size in a block or two that follow each other: between the two streams, and in both together
size_pairs as (
    select
        pair, input_tokens, output_tokens,
        sum(ones * (others + next_others) + others * next_ones) as between_pairs,
        sum((ones + others) * (ones + others - 1) + 2 * (ones + others) * (next_ones + next_others)) as twice_all_pairs
    from size_neighbours
    group by pair, input_tokens, output_tokens
),

-- the same of all calls, whatever their size
moments as (
    select pair, moment, before, sum(one) as ones, sum(other) as others
    from members
    group by pair, moment, before
),

moments_near as (
    select
        pair,
        ones * (
            others * (1 - before)
            + case when before = 0 and lag(moment) over ordered = moment - 1 then lag(others) over ordered else 0 end
            + case
                when lead(moment) over ordered = moment + 1 and before * lead(before) over ordered = 0
                    then lead(others) over ordered
                else 0
            end
        ) as near_pairs
    from moments
    window ordered as (partition by pair order by moment)
),

blocks as (
    select
        pair, cast(floor(cast(moment as double) / {{moments}}) as bigint) as block, sum(ones) as ones,
        sum(others) as others
    from moments
    group by pair, cast(floor(cast(moment as double) / {{moments}}) as bigint)
),

neighbours as (
    select
        *, case when lead(block) over ordered = block + 1 then lead(ones) over ordered else 0 end as next_ones,
        case when lead(block) over ordered = block + 1 then lead(others) over ordered else 0 end as next_others
    from blocks
    window ordered as (partition by pair order by block)
),

whole as (
    select pair, sum(near_pairs) as near_pairs
    from moments_near
    group by pair
),

whole_between as (
    select
        pair, sum(ones * (others + next_others) + others * next_ones) as between_pairs,
        sum((ones + others) * (ones + others - 1) + 2 * (ones + others) * (next_ones + next_others)) as twice_all_pairs
    from neighbours
    group by pair
),

same as (
    select
        found.pair, sum(found.near_pairs) as near_pairs, sum(size_pairs.between_pairs) as between_pairs,
        sum(size_pairs.twice_all_pairs) as twice_all_pairs
    from found
    inner join size_pairs
        on size_pairs.pair = found.pair and size_pairs.input_tokens = found.input_tokens
        and size_pairs.output_tokens = found.output_tokens
    group by found.pair
),

-- how many of the pairs in a block or two are near, by what those of different sizes say (within one stream there are at
-- most as many of them as between the two, and as sizes of one stream alone are not known here, at least so many as all
-- others leave); and how many of the day's
shares as (
    select
        pairs.pair,
        greatest(
            cast({{by_chance}} as double),
            coalesce(
                {{slack}} * cast(whole.near_pairs - same.near_pairs as double)
                / nullif(
                    least(
                        2 * cast(whole_between.between_pairs - same.between_pairs as double),
                        cast(whole_between.twice_all_pairs - same.twice_all_pairs as double) / 2
                    ),
                    0
                ),
                0
            )
        ) as near_share,
        cast(whole.near_pairs as double) / (cast(pairs.calls as double) * (pairs.calls - 1)) as day_share
    from pairs
    inner join whole on whole.pair = pairs.pair
    inner join whole_between on whole_between.pair = pairs.pair
    inner join same on same.pair = pairs.pair
),

expected as (
    select
        found.*, least(found.ones, found.others) as alike,
        greatest(
            shares.near_share * cast(size_pairs.twice_all_pairs as double) / 2,
            shares.day_share * cast(sizes.calls as double) * (sizes.calls - 1)
        ) as chance
    from found
    inner join size_pairs
        on size_pairs.pair = found.pair and size_pairs.input_tokens = found.input_tokens
        and size_pairs.output_tokens = found.output_tokens
    inner join sizes
        on sizes.pair = found.pair and sizes.input_tokens = found.input_tokens
        and sizes.output_tokens = found.output_tokens
    inner join shares on shares.pair = found.pair
),

-- a size counts once, however many its calls: whether it was found, and how probable that was (in 1e-9)
tried as (
    select
        *, case when chance < {{rare}} then 1 else 0 end as rare,
        case
            when chance < {{rare}} then case when alike > 0 then 1 else 0 end
            when alike >= chance + 3 * sqrt(chance) then 1
            else 0
        end as hit,
        case when chance < {{rare}} then cast(ceil(chance * 1e9) as bigint) else {{frequent}} end as probability
    from expected
),

counted as (
    select
        pair, rare, count(*) as sizes, sum(hit) as hits, sum(probability) as expected,
        sum(case when hit = 1 then alike else 0 end) as requests, sum(case when hit = 1 then ones_usd end) as ones_usd,
        sum(case when hit = 1 then others_usd end) as others_usd
    from tried
    group by pair, rare
),

-- Hoeffding's bound on so many hits or more, as a natural logarithm
bounded as (
    select
        *,
        -hits * ln(cast(hits as double) * 1e9 / expected) - case
            when hits < sizes
                then (sizes - hits) * ln(cast(sizes - hits as double) / (sizes - cast(expected as double) / 1e9))
            else 0
        end as log_bound
    from counted
    where hits >= {{least}} and hits * cast(1000000000 as bigint) > expected
)

select
    pairs.day, pairs.model_key as subject, pairs.one, pairs.other, cast(sum(bounded.requests) as bigint) as requests,
    least(sum(bounded.ones_usd), sum(bounded.others_usd)) as size
from bounded
inner join pairs on pairs.pair = bounded.pair
where bounded.log_bound <= case when bounded.rare = 1 then ln({{rare_level}}) else ln({{frequent_level}}) end - ln(pairs.looks)
group by pairs.day, pairs.model_key, pairs.one, pairs.other
