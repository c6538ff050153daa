-- grain: one row per request that capacity served: what it costs in all, from whole 10^-12 dollars
select
    request_key,
    cast(pico * cast(0.000000000001 as decimal(12, 12)) as decimal(28, 12)) as cost_usd
from incoming_costs
