-- grain: one row per (provider, UTC day, account, canonical model) with an amount that another provider bills
-- OpenRouter's activity says of calls with a customer's own key what the key's provider charges: the logs count it as
-- the cost of the call, and OpenRouter's bill doesn't hold it.
select
    reported.provider, reported.day, coalesce(reported.account, '') as account, reported.model,
    cast(sum(reported.recorded_usd - billed.amount_usd) as decimal(38, 12)) as usd
from metered_buckets as reported
inner join billed_amounts as billed
    on billed.source = reported.source and billed.file = reported.file and billed.row_key = reported.row_key
    and billed.wins
where reported.wins and reported.recorded_usd > billed.amount_usd
group by reported.provider, reported.day, coalesce(reported.account, ''), reported.model
