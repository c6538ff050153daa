-- grain: one row per (published day, workflow) that a later run changed
select published_at, day, workflow, before_usd, after_usd, cause
from restatements
order by published_at, day, workflow
