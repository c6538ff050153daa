-- grain: one row per (workflow, age): open units with a request, by days since the first one
-- Where no outcome of the workflow ever arrived, every unit is open: `flag` says so.
with opened as (
    select
        unit_costs.workflow, unit_costs.unit, unit_costs.unit_id, unit_costs.spend_usd,
        cast(unit_costs.first_request at time zone '{{zone}}' as date) as first_day
    from unit_costs
    inner join declared on declared.workflow = unit_costs.workflow and declared.grain = 'unit'
    where unit_costs.status = 'open' and unit_costs.requests > 0
),

-- of the few open units alone
completed as (
    select distinct workflow, unit_id
    from outcome_events
    where event = 'completed' and (workflow, unit_id) in (select (workflow, unit_id) from opened)
),

aged as (
    select
        opened.*, date_diff('day', first_day, cast($as_of as date)) as days, completed.unit_id is not null as completed
    from opened
    left join completed on completed.workflow = opened.workflow and completed.unit_id = opened.unit_id
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
