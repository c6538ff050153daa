-- grain: one row per (pair of streams, call of one of them)
with sides as (
    select pair, day, provider, model_key, one as source, one_make as make, 1 as one, 0 as other
    from overlap_pairs
    union all
    select pair, day, provider, model_key, other as source, other_make as make, 0 as one, 1 as other
    from overlap_pairs
)

select
    sides.pair, sides.one, sides.other, calls.input_tokens, calls.output_tokens, calls.moment, calls.before,
    calls.cost_usd
from overlap_calls as calls
inner join sides
    on sides.day = calls.day and sides.provider = calls.provider and sides.model_key = calls.model_key
    and sides.source = calls.source and sides.make = calls.make
