-- grain: one row per (day, provider, model) whose fixed costs that no request bears differ from what they would be now
-- `standing_now` is what the present contract gives.
with parts as (
    select day, provider, model, amount_usd as before_usd, cast(0 as decimal(28, 12)) as after_usd from standing_charges
    union all
    select day, provider, model, cast(0 as decimal(28, 12)) as before_usd, amount_usd as after_usd from standing_now
),

summed as (
    select day, provider, model, sum(before_usd) as before_usd, sum(after_usd) as after_usd
    from parts
    group by day, provider, model
)

select
    day, provider, model, cast(0 as bigint) as requests, before_usd, after_usd, cast(0 as bigint) as newly_priced,
    cast(0 as bigint) as no_longer_priced
from summed
where before_usd <> after_usd
order by day, provider, model
