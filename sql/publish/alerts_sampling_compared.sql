-- grain: one row per (source of traces, other source of requests): of the other's calls to the same models on the same
-- days, fewer than nine in ten are in the traces, which know hardly a call of their own
with seen as (
    select records.source, records.group_key, records.day, records.provider, model_keys.model_key
    from records
    inner join model_keys on model_keys.provider = records.provider and model_keys.model = records.model
    where
        records.own_rank = 1 and records.response_id is not null
        and records.day > cast(cast($as_of as date) - cast(28 as integer) as date)
),

traced as (
    select * from seen
    where
        source in (select source from trace_sources)
        and source not in (select source from declared_sampling)
        and source not in (select source from tags_only_sources)
),

places as (
    select distinct source, day, provider, model_key from traced
),

others as (
    select
        places.source, seen.source as other, count(*) as calls, count(traced.group_key) as shared, max(seen.day) as day
    from places
    inner join seen
        on seen.day = places.day and seen.provider = places.provider and seen.model_key = places.model_key
        and seen.source <> places.source
    left join traced on traced.source = places.source and traced.group_key = seen.group_key
    group by places.source, seen.source
),

own as (
    select source, count(*) as calls from traced group by source
)

select
    others.day, 'sampling' as kind, others.source as subject, 'low' as severity, others.other, others.calls,
    others.shared, own.calls - others.shared as unshared, cast(others.calls - others.shared as decimal(38, 12)) as size
from others
inner join own on own.source = others.source
where
    others.calls >= 100 and others.shared >= 10 and 10 * others.shared < 9 * others.calls
    and 20 * (own.calls - others.shared) <= own.calls
order by others.source, others.other
