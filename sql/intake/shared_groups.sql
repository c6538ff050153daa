-- grain: one row per call with several records that was settled in this run and that `shared_groups` does not hold yet
select group_key
from places
group by group_key
having count(*) > 1
except
select group_key from shared_groups
