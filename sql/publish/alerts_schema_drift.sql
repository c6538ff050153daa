-- grain: one row per (source, day) of whose records more than 1 % were refused
-- Distinct records are counted, so that a file that is read twice changes nothing.
with bad as (
    select source, coalesce(day, cast($as_of as date)) as day, count(*) as refused
    from quarantine
    where line is not null
    group by source, coalesce(day, cast($as_of as date))
),

good as (
    select source, day, count(*) as records
    from (
        select source, day from records
        union all
        select source, day from outcome_events
        union all
        select source, cast(time at time zone '{{zone}}' as date) as day from evaluations
        union all
        select source, cast(time at time zone '{{zone}}' as date) as day from scores
    ) as stored
    where day in (select day from bad)
    group by source, day
)

select
    bad.day, 'schema_drift' as kind, bad.source as subject, 'high' as severity,
    cast(bad.refused as decimal(38, 12)) as size
from bad
left join good on good.source = bad.source and good.day = bad.day
where 100 * bad.refused > bad.refused + coalesce(good.records, 0)
