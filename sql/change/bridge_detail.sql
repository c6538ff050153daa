-- grain: one row per (workflow, week, factor, contributor): who made a factor's effect, those of no effect left out
select
    workflow, factor,
    concat_ws(
        ' · ', case when workflow = '*' then of_workflow end, task_type, model, token_class,
        case
            when workflow <> '*' and task_type is null and model is null and token_class is null then 'no task type'
        end
    ) as contributor,
    effect_usd, of_workflow, task_type, model, token_class, monday as first_day
from bridge_contributions
order by workflow, monday, factor, abs(effect_usd) desc, contributor
