-- grain: one row per (request, unit) of requests that several units bear: what it bore, and the request's price today
with shared as (
    select allocations.request_key
    from allocations
    inner join priced_today on priced_today.request_key = allocations.request_key
    where priced_today.cost_basis = 'computed'
    group by allocations.request_key
    having count(*) > 1
)

select
    allocations.request_key, allocations.workflow, allocations.unit_id, allocations.cost_usd,
    priced_today.cost_usd as today_usd
from allocations
inner join shared on shared.request_key = allocations.request_key
inner join priced_today on priced_today.request_key = allocations.request_key
where allocations.unit_id is not null
order by allocations.request_key, allocations.workflow, allocations.unit_id
