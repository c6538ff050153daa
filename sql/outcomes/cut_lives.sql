-- grain: one row per unit with days in the period and days outside it, or of which an earlier build did not say so
select workflow, unit_id, status, lived_to
from unit_costs
where
    lived_from is null or lived_to is null
    or (
        lived_from <= cast($as_of as date) and lived_to >= cast($first_day as date)
        and (lived_from < cast($first_day as date) or lived_to > cast($as_of as date))
    )
