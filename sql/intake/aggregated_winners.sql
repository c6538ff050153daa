-- grain: one row per (source, file, place) of {{table}} that counts
-- The last pull of a period replaces the whole period, with nothing too; within a pull, the lexically last file, then the last row.
select source, file, place
from (
    select
        held.source, held.file, held.place,
        row_number() over (partition by {{owner}} held.row_key order by {{before}} held.file desc, held.place desc) as recency
    from {{table}} as held
    inner join (
        select source, bucket, max(pull) as pull
        from (
            select source, bucket, pull from {{table}}
            union all
            select source, bucket, pull from empty_buckets
        ) as pulled
        group by source, bucket
    ) as last_pulls
        on last_pulls.source = held.source and last_pulls.bucket = held.bucket and last_pulls.pull = held.pull
    left join source_priorities on source_priorities.source = held.source
) as ranked
where recency = 1
