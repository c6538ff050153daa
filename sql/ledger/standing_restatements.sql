-- grain: one row per published day whose fixed costs that no request bears this run changed; such costs have no workflow
select
    now() as published_at, coalesce(before.day, after.day) as day, cast(null as varchar) as workflow,
    before.amount_usd as before_usd, after.amount_usd as after_usd, $cause as cause
from standing_before as before
full outer join (
    select day, sum(amount_usd) as amount_usd from standing_charges group by day
) as after
    on after.day = before.day
where
    coalesce(before.day, after.day) <= cast($published_until as date)
    and before.amount_usd is distinct from after.amount_usd
