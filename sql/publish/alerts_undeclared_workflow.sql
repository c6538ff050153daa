-- grain: one row per workflow that logs name and the workspace file does not declare
select
    max(day) as day, 'undeclared_workflow' as kind, workflow as subject, 'medium' as severity,
    cast(sum(requests) as bigint) as requests, cast(sum(events) as bigint) as events, coalesce(sum(spend), 0) as size
from (
    select day, workflow, 1 as requests, 0 as events, cost_usd as spend from requests where reason = 'undeclared_workflow'
    union all
    select day, workflow, 0 as requests, 1 as events, 0 as spend from outcome_events
    where workflow not in (select workflow from declared)
    union all
    select day, workflow, 0 as requests, completed + failed + rejected as events, 0 as spend from outcome_counts
    where wins and workflow not in (select workflow from declared)
) as seen
group by workflow
