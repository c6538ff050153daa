-- grain: one row per (request counted on a touched day, further dimension that it carries); `value` is text
with dimensions as (
    {{dimensions}}
)

select request_key, day, dimension, value
from (
    {{found}}
) as found
where value is not null
