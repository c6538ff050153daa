-- grain: one row per request of a workflow on trial, dated as of today so that the rate book gives today's price
select
    records.request_key, records.provider, records.model, cast($today as timestamptz) as time, records.status,
    records.service_tier, records.region, records.input_uncached, records.cache_read, records.cache_write,
    records.cache_write_long, records.output_nonreasoning, records.output_reasoning, records.extras,
    records.recorded_usd, records.recorded_is_estimate
from records
inner join requests on requests.request_key = records.request_key and requests.payload = records.payload
inner join trial_workflows
    on trial_workflows.workflow = requests.workflow and requests.time >= trial_workflows.since
