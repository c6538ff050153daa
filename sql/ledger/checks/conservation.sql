-- grain: one row per (day, provider, model) whose allocations and unattributed spend do not sum to its charges
with spend as (
    select
        requests.day, requests.provider, requests.model,
        coalesce(sum(requests.cost_usd), 0) as charged,
        coalesce(sum(case when requests.reason is not null then requests.cost_usd end), 0) as unattributed
    from requests
    where requests.day in (select day from touched_days)
    group by requests.day, requests.provider, requests.model
),

borne as (
    select requests.day, requests.provider, requests.model, coalesce(sum(allocations.cost_usd), 0) as allocated
    from allocations
    inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
    where requests.day in (select day from touched_days)
    group by requests.day, requests.provider, requests.model
)

select spend.day, spend.provider, spend.model, charged, unattributed, coalesce(borne.allocated, 0) as allocated
from spend
left join borne on borne.day = spend.day and borne.provider = spend.provider and borne.model = spend.model
where charged <> unattributed + coalesce(borne.allocated, 0)
