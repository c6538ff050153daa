-- grain: one row per (workflow, task type, day, phase, tier or 'mixed', stratum) of units by their first call
with scaled as (
    select
        trial_units.*, trial_phases.since,
        case when least_tier = greatest_tier then least_tier else 'mixed' end as tier,
        cast(cast(round(task_usd, 6) * 1000000 as bigint) as decimal(19, 0)) as task_micro,
        cast(cast(round(other_usd, 6) * 1000000 as bigint) as decimal(19, 0)) as other_micro
    from trial_units
    inner join trial_phases
        on trial_phases.workflow = trial_units.workflow and trial_phases.task_type = trial_units.task_type
        and trial_units.first_call >= trial_phases.since and trial_units.first_call < trial_phases.until
)

select
    workflow, task_type, day, since, tier, stratum, count(*) as units, cast(sum(settled) as bigint) as settled,
    cast(sum(outcome) as bigint) as outcomes, cast(sum(good) as bigint) as good,
    coalesce(sum(case when settled = 1 then task_usd end), 0) as task_usd,
    coalesce(sum(case when settled = 1 then other_usd end), 0) as other_usd,
    cast(coalesce(sum(case when settled = 1 then task_micro * task_micro end), 0) as decimal(38, 0)) as task_squares,
    cast(coalesce(sum(case when good = 1 then task_micro end), 0) as decimal(38, 0)) as task_good,
    cast(coalesce(sum(case when settled = 1 then other_micro * other_micro end), 0) as decimal(38, 0)) as other_squares,
    cast(coalesce(sum(case when good = 1 then other_micro end), 0) as decimal(38, 0)) as other_good
from scaled
group by workflow, task_type, day, since, tier, stratum
order by workflow, task_type, day, since, tier, stratum
