-- grain: one row per (request, unit) of a workflow on trial, at today's prices
select
    allocations.workflow, allocations.unit_id, requests.task_type, requests.time, requests.day,
    coalesce(requests.tier, 'no tier') as tier, requests.stratum,
    cast(
        coalesce(
            parts_today.cost_usd,
            case when priced_today.cost_basis = 'computed' then priced_today.cost_usd end,
            allocations.cost_usd, 0
        ) as decimal(38, 12)
    ) as cost_usd
from allocations
inner join requests on requests.request_key = allocations.request_key and requests.day = allocations.day
inner join trial_workflows
    on trial_workflows.workflow = allocations.workflow and requests.time >= trial_workflows.since
left join parts_today
    on parts_today.request_key = allocations.request_key and parts_today.workflow = allocations.workflow
    and parts_today.unit_id = allocations.unit_id
left join priced_today on priced_today.request_key = allocations.request_key
where allocations.unit_id is not null and allocations.day <= cast($as_of as date)
