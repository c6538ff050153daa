-- grain: one row per source: what its files gave over all runs, and the time range of its requests
select
    files.source, any_value(files.kind) as kind, count(*) as files,
    count(*) filter (where files.refused is not null) as refused_files,
    cast(sum(records_read) as bigint) as records_read, cast(sum(stored) as bigint) as stored,
    cast(sum(duplicate) as bigint) as duplicate, cast(sum(superseded) as bigint) as superseded,
    cast(sum(quarantined) as bigint) as quarantined,
    any_value(times.first_time) as first_time, any_value(times.last_time) as last_time
from files
left join (
    select source, min(time) as first_time, max(time) as last_time
    from (
        select source, time from records
        union all
        select source, time from outcome_events
        union all
        select source, time from evaluations
        union all
        select source, time from scores
        union all
        select source, cast(day as timestamptz) as time from outcome_counts
        union all
        select source, period_start as time from billed_amounts
        union all
        select source, period_start as time from metered_buckets
    ) as seen
    group by source
) as times on times.source = files.source
group by files.source
order by files.source
