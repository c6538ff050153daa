-- grain: one row per source whose own records say that they are a sample: how many say so, and the calls that no other
-- source reports, which are in no number
select
    max(records.day) as day, 'sampling' as kind, detected_sampling.source as subject, 'high' as severity,
    max(detected_sampling.said) as said, max(detected_sampling.least) as least,
    max(detected_sampling.greatest) as greatest, count(*) as calls,
    count(*) filter (where counted.group_key is null) as uncounted,
    cast(count(*) filter (where counted.group_key is null) as decimal(38, 12)) as size
from records
inner join detected_sampling on detected_sampling.source = records.source
left join (select distinct group_key from records where wins) as counted on counted.group_key = records.group_key
where records.own_rank = 1
group by detected_sampling.source
order by detected_sampling.source
