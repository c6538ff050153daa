-- grain: one row per (workflow, task type, candidate) without a known price where more than 5 % of its requests ran
with ran as (
    select
        workflow, split_part(task_type, chr(31), 1) as task_type, provider, coalesce(region, '') as region,
        sum(requests) as requests
    from cells_to_price
    group by 1, 2, 3, 4
)

select ran.task_type, ran.workflow, candidates.provider, candidates.model
from ran
inner join candidates
    on candidates.workflow = ran.workflow and candidates.from_provider = ran.provider
    and candidates.from_region = ran.region
group by 1, 2, 3, 4
having sum(case when candidates.region is null then ran.requests else 0 end) * 20 > sum(ran.requests)
order by 2, 1, 3, 4
