-- grain: one row per `assign` rule of the workspace file, in its order: what it caught over all days, 0 where nothing
select
    assign_rules.rule, assign_rules.match, assign_rules.valid_from, assign_rules.workflow, assign_rules.task_type,
    coalesce(caught.requests, 0) as requests,
    case when caught.rule is null then 0 else caught.spend_usd end as spend_usd, caught.first_day, caught.last_day
from assign_rules
left join (
    select
        assigned_by as rule, cast(sum(requests) as bigint) as requests, sum(spend_usd) as spend_usd,
        min(day) as first_day, max(day) as last_day
    from request_cells
    where assigned_by is not null
    group by assigned_by
) as caught on caught.rule = assign_rules.rule
order by assign_rules.rule
