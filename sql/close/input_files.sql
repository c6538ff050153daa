-- grain: one row per file that the ledger took in: what a closed month was made from
select source, kind, file, sha256
from files
where refused is null
order by source, file, sha256
