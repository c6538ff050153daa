-- grain: one row per request of one reporting day
-- In the order of units, so that what one of them asked for lies together: readers pass over the other parts of a file.
-- What several units share comes after what each has of its own, by the first of them.
-- `account`: what the logs say of the provider's account, by the dimension `account` or else `project`
select
    request_id, source, time, provider, model, service_tier, status, workflow, task_type, unit_id, input_tokens,
    cache_read as cache_read_tokens, cache_write as cache_write_tokens, cache_write_long as cache_write_long_tokens,
    output_tokens, output_reasoning as reasoning_tokens, cost_usd, cost_basis, recorded_usd, tier, request_key, day,
    attempt_id, stratum, latency_ms, reason,
    [u.unit_id for u in units] as units, list_min([u.unit_id for u in units]) as units_from,
    list_max([u.unit_id for u in units]) as units_to, region, accounts.account
from {{requests}} as requests
left join (
    select
        request_key as of_request,
        coalesce(
            min(case when dimension = 'account' then value end), min(case when dimension = 'project' then value end)
        ) as account
    from {{request_dimensions}} as request_dimensions
    where {{days}} and dimension in ('account', 'project')
    group by request_key
) as accounts on accounts.of_request = requests.request_key
where {{counted}}
order by unit_id, units_from, units_to, request_id, request_key
