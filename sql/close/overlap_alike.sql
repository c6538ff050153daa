-- grain: one row per (pair of streams, size, moment), of the sizes that both have on the day
with sizes as (
    select pair, input_tokens, output_tokens
    from overlap_members
    group by pair, input_tokens, output_tokens
    having max(one) = 1 and max(other) = 1
)

select
    members.pair, members.input_tokens, members.output_tokens, members.moment, members.before,
    sum(members.one) as ones, sum(members.other) as others,
    sum(case when members.one = 1 then members.cost_usd end) as ones_usd,
    sum(case when members.other = 1 then members.cost_usd end) as others_usd
from overlap_members as members
inner join sizes
    on sizes.pair = members.pair and sizes.input_tokens = members.input_tokens
    and sizes.output_tokens = members.output_tokens
group by members.pair, members.input_tokens, members.output_tokens, members.moment, members.before
