-- grain: one row per (day, model, pair of sources, told): calls that both seem to report under ids that can't match
-- The test and its null model: `pipelines.close.overlaps`, which fills its figures in. What is not told is suspected: found
-- three times as often as calls at these times would be by chance. A bill that lacks as much bears it out.
with moments as (
    select pair, moment, before, sum(one) as ones, sum(other) as others
    from overlap_members
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
        pair, sum(near_pairs) as near_pairs, sum(between_pairs) as between_pairs,
        sum(twice_all_pairs) as twice_all_pairs
    from overlap_sizes
    group by pair
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
    from overlap_pairs as pairs
    inner join whole on whole.pair = pairs.pair
    inner join whole_between on whole_between.pair = pairs.pair
    inner join same on same.pair = pairs.pair
),

expected as (
    select
        sizes.*, least(sizes.ones, sizes.others) as alike,
        shares.near_share * cast(sizes.twice_all_pairs as double) / 2 as chance_here,
        greatest(
            shares.near_share * cast(sizes.twice_all_pairs as double) / 2,
            shares.day_share * cast(sizes.calls as double) * (sizes.calls - 1)
        ) as chance
    from overlap_sizes as sizes
    inner join shares on shares.pair = sizes.pair
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
),

told as (
    select bounded.pair, bounded.requests, bounded.ones_usd, bounded.others_usd
    from bounded
    inner join overlap_pairs as pairs on pairs.pair = bounded.pair
    where
        bounded.log_bound
        <= case when bounded.rare = 1 then {{rare_level}} else {{frequent_level}} end - ln(pairs.looks)
),

suspected as (
    select
        tried.pair, sum(tried.alike) as requests, sum(tried.ones_usd) as ones_usd, sum(tried.others_usd) as others_usd
    from tried
    inner join overlap_pairs as pairs on pairs.pair = tried.pair
    where tried.alike >= 3 * tried.chance_here and tried.pair not in (select pair from told)
    group by tried.pair, pairs.fewer
    having sum(tried.alike) >= least(pairs.fewer, 2) and (2 * sum(tried.alike) >= pairs.fewer or sum(tried.alike) >= 20)
),

found as (
    select pair, true as told, requests, ones_usd, others_usd from told
    union all
    select pair, false as told, requests, ones_usd, others_usd from suspected
)

select
    pairs.day, pairs.model_key as subject, pairs.one, pairs.other, found.told,
    cast(sum(found.requests) as bigint) as requests, least(sum(found.ones_usd), sum(found.others_usd)) as size
from found
inner join overlap_pairs as pairs on pairs.pair = found.pair
where found.requests > 0
group by pairs.day, pairs.model_key, pairs.one, pairs.other, found.told
