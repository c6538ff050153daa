-- grain: one row per distinct payload of a request, with its place among those of its call
select
    records.* exclude (own_rank, group_key, wins), places.own_rank, places.group_key, places.wins
from records
inner join places on places.request_key = records.request_key and places.payload = records.payload
