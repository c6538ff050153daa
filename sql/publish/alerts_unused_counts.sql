-- grain: one row per workflow of grain `unit` for which outcome counts arrived: they can't be told from its events
select
    max(outcome_counts.day) as day, 'reconciliation' as kind, outcome_counts.workflow as subject, 'low' as severity,
    count(*) as days, 0 as size
from outcome_counts
inner join declared on declared.workflow = outcome_counts.workflow and declared.grain = 'unit'
where outcome_counts.wins
group by outcome_counts.workflow
order by outcome_counts.workflow
