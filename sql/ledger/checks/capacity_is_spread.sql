-- grain: one row per (day, capacity) whose shares and idle part do not sum to what it costs that day
-- `capacity_terms` is what the contract fixed for the touched days.
with borne as (
    select day, name, sum(amount_usd) as amount_usd
    from (
        select day, name, amount_usd from capacity_shares
        union all
        select day, name, amount_usd from standing_charges where sku = 'provisioned_idle'
    ) as parts
    where day in (select day from touched_days)
    group by day, name
)

select
    coalesce(capacity_terms.day, borne.day) as day, coalesce(capacity_terms.name, borne.name) as name,
    capacity_terms.cost_usd, borne.amount_usd
from capacity_terms
full outer join borne on borne.day = capacity_terms.day and borne.name = capacity_terms.name
where coalesce(capacity_terms.cost_usd, 0) <> coalesce(borne.amount_usd, 0)
