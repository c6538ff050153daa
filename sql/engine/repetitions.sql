-- grain: one row per record of the lake; `repetition` numbers those of one key and payload, one stored before it first
select
    staged.*,
    row_number() over (
        partition by request_key, payload
        order by case when run_id = '{{run}}' then 1 else 0 end, file, line
    ) as repetition
from staged
