-- grain: one row per (workflow, task type, day, phase, tier, stratum): outcomes in millionths, by their calls there
with per_unit as (
    select
        trial_units.workflow, trial_units.task_type, trial_units.unit_id, trial_units.day, trial_units.first_call,
        trial_units.stratum, trial_calls.tier, count(*) as calls,
        sum(count(*)) over (partition by trial_units.workflow, trial_units.task_type, trial_units.unit_id) as all_calls
    from trial_units
    inner join trial_calls
        on trial_calls.workflow = trial_units.workflow and trial_calls.unit_id = trial_units.unit_id
        and trial_calls.task_type = trial_units.task_type
    where trial_units.outcome = 1
    group by
        trial_units.workflow, trial_units.task_type, trial_units.unit_id, trial_units.day, trial_units.first_call,
        trial_units.stratum, trial_calls.tier
)

select
    per_unit.workflow, per_unit.task_type, per_unit.day, trial_phases.since, per_unit.tier,
    per_unit.stratum,
    cast(sum(cast(round(cast(calls * 1000000 as double) / cast(all_calls as double)) as bigint)) as bigint) as outcomes_ppm
from per_unit
inner join trial_phases
    on trial_phases.workflow = per_unit.workflow and trial_phases.task_type = per_unit.task_type
    and per_unit.first_call >= trial_phases.since and per_unit.first_call < trial_phases.until
group by per_unit.workflow, per_unit.task_type, per_unit.day, trial_phases.since, per_unit.tier, per_unit.stratum
order by per_unit.workflow, per_unit.task_type, per_unit.day, trial_phases.since, per_unit.tier, per_unit.stratum
