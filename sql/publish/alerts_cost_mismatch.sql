-- grain: one row per (day, provider, model) with requests whose recorded cost is off the computed one by more than 1 %
-- A gateway's estimate of 0 beside tokens means that it knows no price; it is no figure to compare with.
select
    requests.day, 'cost_mismatch' as kind, concat(requests.provider, '/', requests.model) as subject,
    'medium' as severity, count(*) as requests, sum(requests.cost_usd) as computed_usd,
    sum(requests.recorded_usd) as recorded_usd, sum(abs(requests.recorded_usd - requests.cost_usd)) as size
from requests
where
    requests.cost_basis = 'computed' and requests.recorded_usd is not null
    -- a sender can't know what its share of provisioned capacity comes to
    and requests.request_key not in (select request_key from capacity_shares)
    and (
        requests.recorded_usd <> 0
        or requests.request_key not in (
            select request_key from records where wins and recorded_is_estimate and recorded_usd = 0
        )
    )
    and 100 * abs(requests.recorded_usd - requests.cost_usd) > requests.cost_usd
group by requests.day, requests.provider, requests.model
