-- grain: one row per (workflow, task type, recorded stratum, canonical model) of the period's requests with a stratum
-- a stratum that no evaluation names can't be told apart from others of its kind: all of them together are ''
select
    workflow, task_type,
    case when stratum in (select stratum from evaluations where wins) then stratum else '' end as stratum,
    model_key, mode(concat(provider, '/', model) order by concat(provider, '/', model)) as model,
    count(*) as requests, count(cost_usd) as priced_requests, coalesce(sum(cost_usd), 0) as spend_usd,
    cast($days as bigint) as days
from requests
where
    workflow in (select workflow from declared) and task_type is not null and stratum <> ''
    and day between cast($first_day as date) and cast($as_of as date)
group by 1, 2, 3, 4
order by 1, 2, 3, 4
