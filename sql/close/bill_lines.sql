-- grain: one row per line of a bill that counts; `month` is the one whose invoice holds it
-- A line belongs to the month in which its period begins; FOCUS says of each row in which billing period it was invoiced.
select
    billed_amounts.source, billed_amounts.kind, coalesce(source_priorities.priority, 0) as priority,
    case
        when billed_amounts.kind = 'focus' then substr(split_part(billed_amounts.bucket, '|', 2), 1, 7)
        else substr(cast(billed_amounts.day as varchar), 1, 7)
    end as month,
    billed_amounts.day, cast(billed_amounts.period_end - interval 1 second as date) as last_day,
    billed_amounts.provider, coalesce(billed_amounts.account, '') as account,
    coalesce(billed_amounts.api_key, '') as api_key, billed_amounts.model,
    billed_amounts.item, billed_amounts.category, billed_amounts.amount_usd, billed_amounts.quantity,
    billed_amounts.quantity_unit, list_contains(billed_amounts.flags, 'correction') as corrected,
    list_contains(billed_amounts.flags, 'incomplete') as incomplete
from billed_amounts
left join source_priorities on source_priorities.source = billed_amounts.source
where billed_amounts.wins
order by
    billed_amounts.source, billed_amounts.provider, billed_amounts.day, billed_amounts.row_key, billed_amounts.canonical
