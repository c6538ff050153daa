-- grain: one row per (workflow, kind of record): the newest one's instant
select workflow, 'request' as kind, max(time) as newest from requests where workflow is not null group by workflow
union all
select workflow, 'outcome' as kind, max(time) as newest from outcome_events where workflow is not null group by workflow
order by 1, 2
