-- grain: one row per (workflow, task type, candidate) without a known price where more than 5 % of its requests ran
select split_part(to_price.task_type, chr(31), 1) as task_type, to_price.workflow, candidates.provider, candidates.model
from to_price
inner join candidates
    on candidates.workflow = to_price.workflow and candidates.from_provider = to_price.provider
    and candidates.from_region = coalesce(to_price.region, '')
group by 1, 2, 3, 4
having count(*) filter (where candidates.region is null) * 20 > count(*)
order by 2, 1, 3, 4
