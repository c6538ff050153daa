-- grain: one row per (provider, UTC day, account, canonical model, service tier, token class or SKU) of providers with a
-- bill: what the ledger holds of it
select
    provider, utc_day, account, model, tier, class, cast(sum(tokens) as bigint) as tokens,
    cast(sum(unpriced_tokens) as bigint) as unpriced_tokens, cast(sum(recorded_tokens) as bigint) as recorded_tokens,
    cast(sum(requests) as bigint) as requests, cast(sum(usd) as decimal(38, 12)) as usd, min(low) as low,
    max(high) as high
from close_cells
where provider in (select provider from billed_amounts where wins)
group by provider, utc_day, account, model, tier, class
