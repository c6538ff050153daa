-- grain: one row per (workflow, age): open units with a request, by days since the first one
-- Where no outcome of the workflow ever arrived, every unit is open: `flag` says so.
with opened as (
    select
        unit_costs.workflow, unit_costs.unit, unit_costs.unit_id, unit_costs.spend_usd,
        cast(unit_costs.first_request at time zone '{{zone}}' as date) as first_day,
        exists (
            select 1 from outcome_events
            where
                outcome_events.workflow = unit_costs.workflow and outcome_events.unit_id = unit_costs.unit_id
                and outcome_events.event = 'completed'
        ) as completed
    from unit_costs
    inner join declared on declared.workflow = unit_costs.workflow and declared.grain = 'unit'
    where unit_costs.status = 'open' and unit_costs.requests > 0
),

aged as (
    select opened.*, date_diff('day', first_day, cast($as_of as date)) as days
    from opened
)

select
    aged.workflow, aged.unit,
    case when days < 2 then '0-1 days' when days < 7 then '2-6 days' when days < 28 then '7-27 days' else '28+ days' end
        as age,
    count(*) as units, cast(sum(case when completed then 1 else 0 end) as bigint) as awaiting_acceptance,
    sum(aged.spend_usd) as spend_usd, min(first_day) as oldest_day,
    case when max(reported.workflow) is null then 'no outcomes reported' end as flag
from aged
left join ({{reported}}) as reported on reported.workflow = aged.workflow
group by
    aged.workflow, aged.unit,
    case when days < 2 then '0-1 days' when days < 7 then '2-6 days' when days < 28 then '7-27 days' else '28+ days' end
order by aged.workflow, oldest_day desc
