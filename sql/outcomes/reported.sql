-- grain: one row per declared workflow of which an outcome event (grain `day`: a count) ever arrived
select distinct declared.workflow
from declared
inner join outcome_events on outcome_events.workflow = declared.workflow
where declared.grain = 'unit'
union
select distinct declared.workflow
from declared
inner join outcome_counts on outcome_counts.workflow = declared.workflow
where declared.grain = 'day' and outcome_counts.wins
