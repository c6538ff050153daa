-- grain: one row per (pair of streams, size): its calls, those that find their like near, and its pairs
with looked_at as (
    -- what starts in the moment before and after; of the day before, only the likes of calls of the day
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
    from overlap_alike
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
    from overlap_alike
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
        pair, input_tokens, output_tokens, sum(ones + others) as calls,
        sum(ones * (others + next_others) + others * next_ones) as between_pairs,
        sum((ones + others) * (ones + others - 1) + 2 * (ones + others) * (next_ones + next_others)) as twice_all_pairs
    from size_neighbours
    group by pair, input_tokens, output_tokens
)

select
    found.*, size_pairs.calls, size_pairs.between_pairs, size_pairs.twice_all_pairs
from found
inner join size_pairs
    on size_pairs.pair = found.pair and size_pairs.input_tokens = found.input_tokens
    and size_pairs.output_tokens = found.output_tokens
