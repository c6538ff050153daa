-- grain: one row per (day, model, pair of streams) whose ids can't match; a stream: calls of one source and make
with streams as (
    select
        day, provider, model_key, source, make, count(*) as calls,
        row_number() over (order by day, provider, model_key, source, make) as stream
    from overlap_calls
    group by day, provider, model_key, source, make
)

select
    one.day, one.provider, one.model_key, one.source as one, one.make as one_make, other.source as other,
    other.make as other_make, one.calls + other.calls as calls,
    least(one.calls, other.calls) as fewer,
    count(*) over (partition by one.day, one.source, other.source) as looks,
    row_number() over (order by one.stream, other.stream) as pair
from streams as one
inner join streams as other
    on other.day = one.day and other.provider = one.provider and other.model_key = one.model_key
    and one.source < other.source and (one.make = 'none' or other.make = 'none' or one.make <> other.make)
