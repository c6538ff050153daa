-- grain: one row per (source, file that lost, file that counts): rows of one period for which two files say different
-- figures, or which only the file that lost has. A FOCUS delivery replaces its billing period by design.
with told as (
    select source, kind, file, bucket, row_key, canonical, day, amount_usd, wins from billed_amounts
    union all
    select source, kind, file, bucket, row_key, canonical, day, null as amount_usd, wins from metered_buckets
),

taken as (
    select source, bucket, max(file) as file
    from (
        select source, bucket, file from told where wins
        union all
        select source, bucket, file from empty_buckets
    ) as covered
    group by source, bucket
),

figures as (
    select source, row_key, canonical, file, amount_usd from told where wins
)

select
    max(lost.day) as day, 'reconciliation' as kind, lost.source as subject, 'medium' as severity, lost.file as lost,
    coalesce(figures.file, taken.file) as counted, count(*) as records, sum(lost.amount_usd) as lost_usd,
    coalesce(sum(figures.amount_usd), 0) as counted_usd,
    coalesce(sum(abs(lost.amount_usd - coalesce(figures.amount_usd, 0))), 0) as size
from told as lost
inner join taken on taken.source = lost.source and taken.bucket = lost.bucket
left join figures on figures.source = lost.source and figures.row_key = lost.row_key
where not lost.wins and lost.kind <> 'focus' and figures.canonical is distinct from lost.canonical
group by lost.source, lost.file, coalesce(figures.file, taken.file)
order by lost.source, lost.file, counted
