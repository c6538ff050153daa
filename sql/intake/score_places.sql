-- grain: one row per score read in this run or stored under the same key: which one counts
-- The later time wins, then the greater canonical text.
select
    id, source, file, fresh,
    row_number() over (
        partition by source, score_key order by time desc, canonical desc, fresh, file, line, id
    ) as place,
    row_number() over (partition by source, score_key, canonical order by fresh, file, line, id) as repetition
from (
    select rowid as id, source, score_key, canonical, time, file, line, 1 as fresh from incoming_scores
    union all
    select
        stored.rowid as id, stored.source, stored.score_key, stored.canonical, stored.time, stored.file, stored.line,
        0 as fresh
    from scores as stored
    where (source, score_key) in (select (source, score_key) from incoming_scores)
) as all_scores
