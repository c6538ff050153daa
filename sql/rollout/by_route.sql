-- grain: one row per request, its task type followed by its stratum where that has a route of its own
select
    all_requests.* exclude (task_type),
    case
        when stratum_routes.stratum is null then all_requests.task_type
        else concat(all_requests.task_type, '/', stratum_routes.stratum)
    end as task_type
from all_requests
left join stratum_routes
    on stratum_routes.workflow = all_requests.workflow and stratum_routes.task_type = all_requests.task_type
    and stratum_routes.stratum = all_requests.stratum
