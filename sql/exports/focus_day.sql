-- grain: one row per (SKU price, account, workflow, allocation method, task type, reason) of one reporting day
-- Charges without a price are left out. `capacity` names the provisioned capacity that served the charge; `shared`:
-- several units bear the call. What the sender recorded has no unit price: its calls are one row, not one per amount.
-- A list price that is unknown falls back to the contracted one, and a contracted one to what the charge came to.
with charges as (
    select
        request_key, provider, model, sku, quantity, amount_usd, source is null as standing,
        case when sku <> 'recorded' then list_unit_price_usd end as list_unit_price,
        case when sku <> 'recorded' then contracted_unit_price_usd end as contracted_unit_price,
        coalesce(contracted_amount_usd, amount_usd) as contracted_usd,
        coalesce(list_amount_usd, contracted_amount_usd, amount_usd) as list_usd,
        case when source is null or rate_source like 'contract: provisioned %' then rate_source end as term
    from {{charges}}
    where amount_usd is not null
),

requests as (
    select
        request_key, service_tier, workflow, task_type, reason, {{account}} as account, {{region}} as region,
        reason is null and len(list_distinct(units)) > 1 as shared
    from {{requests}}
)

select
    charges.provider, charges.model, charges.sku, charges.standing, charges.term, charges.list_unit_price,
    charges.contracted_unit_price, requests.service_tier, requests.region, requests.account, requests.workflow,
    coalesce(requests.shared, false) as shared, requests.task_type, requests.reason,
    count(distinct charges.request_key) as requests,
    cast(sum(charges.quantity) as decimal(38, 0)) as quantity,
    cast(sum(charges.amount_usd) as decimal(38, 12)) as amount_usd,
    cast(sum(charges.contracted_usd) as decimal(38, 12)) as contracted_usd,
    cast(sum(charges.list_usd) as decimal(38, 12)) as list_usd
from charges
left join requests on requests.request_key = charges.request_key
group by
    charges.provider, charges.model, charges.sku, charges.standing, charges.term, charges.list_unit_price,
    charges.contracted_unit_price, requests.service_tier, requests.region, requests.account, requests.workflow,
    coalesce(requests.shared, false), requests.task_type, requests.reason
order by all
