-- grain: one row per (source, file) of which this run stored a record: how many of them count
select source, file, count(*) filter (where wins) as stored, count(*) filter (where not wins) as superseded
from records
where run_id = '{{run}}'
group by source, file
