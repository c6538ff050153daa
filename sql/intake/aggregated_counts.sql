-- grain: one row per (source, file) of aggregated figures read in this run: what became of them
select
    source, file,
    count(*) filter (where repetition = 1 and not known and counts) as stored,
    count(*) filter (where repetition = 1 and not known and not counts) as superseded,
    count(*) filter (where repetition > 1 or known) as duplicate
from (
    select
        fresh.source, fresh.file, told.source is not null as known, coalesce(valid.counts, false) as counts,
        row_number() over (
            partition by fresh.source, fresh.row_key, fresh.canonical order by fresh.file, fresh.place
        ) as repetition
    from {{fresh}} as fresh
    left join told_before as told
        on told.source = fresh.source and told.row_key = fresh.row_key and told.canonical = fresh.canonical
    left join (
        select source, row_key, canonical, bool_or(wins) as counts from {{table}} group by source, row_key, canonical
    ) as valid
        on valid.source = fresh.source and valid.row_key = fresh.row_key and valid.canonical = fresh.canonical
) as placed
group by source, file
