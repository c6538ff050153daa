-- grain: one row per refused record or file (line is empty)
select source, file, line, reason, excerpt
from quarantine
order by source, file, line nulls first, reason
