-- grain: one row per (workflow, tier, model, whether tagged, kind of work inferred from a request's shape) of the period
select
    workflow, tier, provider, model, tagged, inferred_kind, cast(sum(requests) as bigint) as requests,
    coalesce(sum(spend_usd), 0) as spend_usd
from kind_cells
where day between cast($first_day as date) and cast($as_of as date)
group by workflow, tier, provider, model, tagged, inferred_kind
order by workflow nulls first, tier nulls first, provider, model, tagged, inferred_kind
