-- grain: one row per (workflow, problem): units whose parents contradict one another
select
    max(events.day) as day, 'reconciliation' as kind, nesting_problems.workflow as subject,
    case when nesting_problems.problem = 'circle' then 'medium' else 'low' end as severity, nesting_problems.problem,
    count(distinct nesting_problems.unit_id) as units, min(nesting_problems.unit_id) as example, 0 as size
from nesting_problems
inner join outcome_events as events
    on events.workflow = nesting_problems.workflow and events.unit_id = nesting_problems.unit_id
group by nesting_problems.workflow, nesting_problems.problem
order by nesting_problems.workflow, nesting_problems.problem
