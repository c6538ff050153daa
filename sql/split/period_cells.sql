-- grain: one row per cell of like requests (`split/alike`) of the period, of declared workflows
select *
from price_cells
where
    workflow in (select workflow from declared)
    and day between cast($first_day as date) and cast($as_of as date)
