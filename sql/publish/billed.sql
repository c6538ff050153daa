-- grain: one row per (source, provider, account, model, item, category, period): what was billed, not what was metered
-- `day` is the period's first day in UTC, as providers bill; `period_end` is exclusive. `effective_usd` is FOCUS's
-- amortised cost of the same rows: never to be added to `billed_usd`.
select
    day, provider, account, model, item, sum(amount_usd) as billed_usd, source, category,
    cast(period_end as date) as period_end, sum(effective_usd) as effective_usd
from billed_amounts
where wins
group by day, provider, account, model, item, source, category, cast(period_end as date)
order by
    day, provider, account nulls first, model nulls first, item nulls first, source, category, period_end
